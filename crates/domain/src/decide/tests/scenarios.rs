//! Programmes as they were run, from the trade press: what has to come of them.

use expect_test::expect;

use super::{MYPOINTS, check};
use crate::settlement::{LineKey, StatementLine, lines};

#[test]
fn a1_joining_is_worth_150_points_once() {
    check(
        MYPOINTS,
        "",
        "1997-01-12 mypoints sign_up s1",
        expect![[r#"
        by mypoints 1
        enrolled
        +150 Base by joining: mypoints, mypoints pays 9000 micros USD
        mypoints: 150"#]],
    );
    let given = "1997-01-12 mypoints sign_up s1";
    check(
        MYPOINTS,
        given,
        "
        1997-01-13 mypoints sign_up s1 at=1997-01-12
        1997-01-13 mypoints sign_up s2
        1997-01-13 cdnow sign_up s1
    ",
        expect![[r#"
            1997-01-13 mypoints sign_up s1 at=1997-01-12
                repeat of 0
            1997-01-13 mypoints sign_up s2
                by mypoints 1
                nothing by joining: GrantedBefore
                mypoints: 150
            1997-01-13 cdnow sign_up s1
                by mypoints 1
                nothing by joining: GrantedBefore
                mypoints: 150"#]],
    );
}

#[test]
fn a2_reading_an_e_mail_is_worth_10_points_with_consent() {
    let member = "1997-01-12 mypoints sign_up s1 consents=marketing";
    let one = format!("{member}\n1997-01-13 mypoints email_read e1 m1");
    check(
        MYPOINTS,
        member,
        "1997-01-13 mypoints email_read e1 m1",
        expect![[r#"
        by mypoints 1
        +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
        mypoints: 160"#]],
    );
    check(
        MYPOINTS,
        &one,
        "
        1997-01-14 mypoints email_read e2 m1
        // 150 + 10 + 10
        1997-01-14 mypoints email_read e2 m2
    ",
        expect![[r#"
            1997-01-14 mypoints email_read e2 m1
                by mypoints 1
                nothing by e-mail: GrantedBefore
                mypoints: 160
            1997-01-14 mypoints email_read e2 m2
                by mypoints 1
                +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
                mypoints: 170"#]],
    );
    let without = "1997-01-12 mypoints sign_up s1";
    check(
        MYPOINTS,
        without,
        "1997-01-13 mypoints email_read e1 m1",
        expect!["waits until 1997-01-14T00:00:00Z for consent to marketing"],
    );
    check(
        MYPOINTS,
        &format!("{without}\n1997-01-13 mypoints email_read e1 m1"),
        "1997-01-14 cdnow purchase p1 10 USD",
        expect![[r#"
        e1 at last: refused CONSENT_MISSING: the member has given no consent for marketing
        by mypoints 1
        +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
        mypoints: 160"#]],
    );
}

/// `clickrewards`, beside `mypoints`.
const CLICKREWARDS: &str = r#"
    [programme]
    id = "clickrewards"
    name = "ClickRewards"
    effective_from = 1997-01-01T00:00:00Z

    [[rule]]
    id = "opening"
    event = "account_opening"
    points = 25_000
    once = "member_and_partner"

    [[rule]]
    id = "booking"
    event = "purchase"
    points = 1_000
    partners = ["airline"]

    [[rule]]
    id = "web-bonus"
    event = "purchase"
    points = 1_000
    partners = ["airline"]
    channels = ["web"]
    category = "bonus"
    funder = "cdnow"
"#;

#[test]
fn a4_two_programmes_have_two_balances() {
    let both = format!("{MYPOINTS}---{CLICKREWARDS}");
    let given = "1998-01-12 mypoints sign_up s1";
    check(
        &both,
        given,
        "
        1998-01-12 bank account_opening a1 programme=clickrewards
        1998-01-12 bank account_opening a1
    ",
        expect![[r#"
            1998-01-12 bank account_opening a1 programme=clickrewards
                by clickrewards 1
                +25000 Base by opening: bank, bank pays 8000 micros USD
                clickrewards: 25000
                mypoints: 150
            1998-01-12 bank account_opening a1
                by mypoints 1
                nothing: NoRule
                mypoints: 150"#]],
    );
}

#[test]
fn a5_opening_an_account_is_worth_25000_points_once_at_each_partner() {
    let open =
        |day, partner, id| format!("1998-01-{day} {partner} account_opening {id} programme=clickrewards");
    let one = open(12, "bank", "a1");
    check(
        CLICKREWARDS,
        "",
        &one,
        expect![[r#"
        by clickrewards 1
        +25000 Base by opening: bank, bank pays 8000 micros USD
        clickrewards: 25000"#]],
    );
    check(
        CLICKREWARDS,
        &one,
        &[open(13, "bank", "a2"), open(13, "airline", "a1")].join("\n"),
        expect![[r#"
        1998-01-13 bank account_opening a2 programme=clickrewards
            by clickrewards 1
            nothing by opening: GrantedBefore
            clickrewards: 25000
        1998-01-13 airline account_opening a1 programme=clickrewards
            by clickrewards 1
            +25000 Base by opening: airline, airline pays 8500 micros USD
            clickrewards: 50000"#]],
    );
}

#[test]
fn a5_its_funder_pays_25000_points_at_the_price_of_the_contract() {
    let mut world = super::World::new(CLICKREWARDS);
    world.say("1998-01-12 bank account_opening a1 programme=clickrewards");
    let crate::event::Outcome::Applied(applied) = &world.journal[0].0.outcome else { panic!("refused") };
    let (programme, key, sum) = lines(&applied.events[0], 1).remove(0);
    assert_eq!(programme.as_str(), "clickrewards");
    assert!(matches!(key, LineKey::Issued { funder, .. } if funder.as_str() == "bank"));
    // 25,000 x 0.008
    let line = StatementLine::new(key, sum).unwrap();
    assert_eq!((line.partner().as_str(), line.amount.to_string()), ("bank", "-200.00 USD".to_owned()));
}

#[test]
fn a6_booking_on_the_web_is_worth_twice_as_much_in_two_lots_of_two_funders() {
    let book =
        |channel| format!("1998-01-12 airline purchase b1 99 USD programme=clickrewards channel={channel}");
    check(
        CLICKREWARDS,
        "",
        &[book("web"), book("phone")].join("\n"),
        expect![[r#"
        1998-01-12 airline purchase b1 99 USD programme=clickrewards channel=web
            by clickrewards 1
            +1000 Base by booking: airline, airline pays 8500 micros USD
            +1000 Bonus by web-bonus: airline, cdnow pays 9000 micros USD
            clickrewards: 2000
        1998-01-12 airline purchase b1 99 USD programme=clickrewards channel=phone
            by clickrewards 1
            +1000 Base by booking: airline, airline pays 8500 micros USD
            nothing by web-bonus: OtherChannel
            clickrewards: 1000"#]],
    );
}

#[test]
fn a21_a_voucher_takes_500_points() {
    let euros = MYPOINTS.replace("currency = \"USD\"", "currency = \"EUR\"");
    let bought = |amount| format!("1997-01-12 operator enrol 1\n1997-01-12 cdnow purchase p1 {amount} EUR");
    let redeem = "1997-01-13 member redeem 2 voucher";
    check(
        &euros,
        &bought("500"),
        redeem,
        expect![[r#"
        by mypoints 1
        -500 for 1 voucher: cdnow is paid 7000 micros USD
          500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
        mypoints: 0"#]],
    );
    check(&euros, &bought("499.99"), redeem, expect!["refused POINTS_SHORT: 1 point short"]);
    check(&euros, &bought("498"), redeem, expect!["refused POINTS_SHORT: 2 points short"]);
}
