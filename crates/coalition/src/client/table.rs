//! Aligned columns.

use super::Style;

/// To which side a column leans.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a heading. Columns in which every row is empty are left out.
pub(crate) struct Table {
    columns: Vec<(&'static str, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&'static str, Align)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row, with a cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        assert_eq!(N, self.columns.len(), "a cell for each column");
        self.rows.push(cells.into());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table as lines, each with its line end.
    pub(crate) fn render(&self, style: Style) -> String {
        let shown: Vec<usize> =
            (0..self.columns.len()).filter(|&at| self.rows.iter().any(|row| !row[at].is_empty())).collect();
        let widths: Vec<usize> = shown
            .iter()
            .map(|&at| self.rows.iter().map(|row| width(&row[at])).chain([width(self.columns[at].0)]).max())
            .map(|widest| widest.unwrap_or(0))
            .collect();
        let line = |cell: &dyn Fn(usize) -> String| -> String {
            let cells: Vec<String> = shown
                .iter()
                .zip(&widths)
                .map(|(&at, &width)| pad(&cell(at), width, self.columns[at].1))
                .collect();
            cells.join("  ").trim_end().to_owned()
        };
        let heading = line(&|at| self.columns[at].0.to_owned());
        let mut text = format!("{}\n", style.heading(&heading));
        for row in &self.rows {
            text.push_str(&line(&|at| row[at].clone()));
            text.push('\n');
        }
        text
    }
}

/// How many places a text takes: names of people's choosing are not all ASCII.
fn width(text: &str) -> usize {
    text.chars().count()
}

fn pad(text: &str, to: usize, align: Align) -> String {
    let blanks = " ".repeat(to.saturating_sub(width(text)));
    match align {
        Align::Left => format!("{text}{blanks}"),
        Align::Right => format!("{blanks}{text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_empty_ones_left_out() {
        let mut table =
            Table::new(&[("reward", Align::Left), ("note", Align::Left), ("points", Align::Right)]);
        table.row(["café".to_owned(), String::new(), "40".to_owned()]);
        table.row(["flight to Paris".to_owned(), String::new(), "2,500".to_owned()]);
        let expected = "\
reward           points
café                 40
flight to Paris   2,500
";
        assert_eq!(table.render(Style::Plain), expected);
        assert!(table.render(Style::Terminal).starts_with("\x1b[1mreward"));
    }
}
