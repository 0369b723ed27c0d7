//! Lists, page by page.

use std::collections::VecDeque;

use crate::{Call, Client, Error};

/// A request for a page of a list.
pub trait List: Call {
    /// What is listed.
    type Item;

    /// Where the request says which page.
    fn page_token(&mut self) -> &mut String;

    /// The items of a page, and the token of the next one, empty after the last.
    fn items(page: Self::Answer) -> (Vec<Self::Item>, String);
}

/// The items of a list, in its order. A page is asked for when the one before is used up, so what is listed may change
/// between two pages.
pub struct Items<'a, Q: List> {
    client: &'a Client,
    /// The request of the next page; `None` after the last.
    next: Option<Q>,
    page: VecDeque<Q::Item>,
}

impl<'a, Q: List> Items<'a, Q> {
    pub(crate) fn new(client: &'a Client, request: Q) -> Self {
        Self { client, next: Some(request), page: VecDeque::new() }
    }

    /// The next item; `None` after the last.
    ///
    /// # Errors
    /// As [`Client::call`]. The page that could not be had is asked for again by the next call of this.
    pub async fn next(&mut self) -> Result<Option<Q::Item>, Error> {
        while self.page.is_empty()
            && let Some(request) = &self.next
        {
            let (items, token) = Q::items(self.client.call(request.clone()).await?);
            self.page = items.into();
            match &mut self.next {
                Some(request) if !token.is_empty() => *request.page_token() = token,
                _ => self.next = None,
            }
        }
        Ok(self.page.pop_front())
    }

    /// The rest of the items.
    ///
    /// # Errors
    /// As [`Client::call`].
    pub async fn all(mut self) -> Result<Vec<Q::Item>, Error> {
        let mut items = Vec::new();
        while let Some(item) = self.next().await? {
            items.push(item);
        }
        Ok(items)
    }
}
