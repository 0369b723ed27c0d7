//! A partner at which nothing begins for a time.

use expect_test::expect;

use super::{MYPOINTS, check};

/// 150 points of MyPoints and 1,500 of CDnow, which delivers vouchers: one is held and one burnt. Then it is suspended.
const SUSPENDED: &str = "
    1997-01-12 mypoints sign_up s1 consents=marketing
    1997-01-12 cdnow purchase p1 1500 USD
    1997-01-12 cdnow consent_given c1 sign-in
    1997-01-13 cdnow hold 1 voucher ttl=86400
    1997-01-13 cdnow redeem 2 voucher
    1997-01-13 operator suspend cdnow
";

#[test]
fn nothing_begins_at_a_suspended_partner() {
    check(
        MYPOINTS,
        SUSPENDED,
        "
        1997-01-13 cdnow purchase p2 10 USD
        1997-01-13 cdnow consent_given c2 marketing
        1997-01-13 cdnow redeem 3 voucher
        1997-01-13 member redeem 3 voucher
        1997-01-13 operator hold 3 voucher
        1997-01-13 member redeem 3 paris key=cdnow
        1997-01-13 member give 3 marketing key=cdnow
        1997-01-13 cdnow enrol 3
        1997-01-13 cdnow link 3
        1997-01-13 cdnow accept 4
        1997-01-13 cdnow token_key 1
        ",
        expect![[r#"
            1997-01-13 cdnow purchase p2 10 USD
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow consent_given c2 marketing
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow redeem 3 voucher
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 member redeem 3 voucher
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 operator hold 3 voucher
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 member redeem 3 paris key=cdnow
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 member give 3 marketing key=cdnow
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow enrol 3
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow link 3
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow accept 4
                refused PARTNER_SUSPENDED: partner cdnow is suspended
            1997-01-13 cdnow token_key 1
                refused PARTNER_SUSPENDED: partner cdnow is suspended"#]],
    );
}

#[test]
fn what_was_begun_is_ended_and_others_go_on() {
    check(
        MYPOINTS,
        SUSPENDED,
        "
        1997-01-13 cdnow return r1 p1 10 USD
        1997-01-13 cdnow consent_withdrawn c2 sign-in
        1997-01-13 cdnow capture 3 3
        1997-01-13 cdnow release 3 3
        1997-01-13 member release 3 3
        1997-01-13 cdnow refund 3 4
        1997-01-13 mypoints email_read e1 m1
        ",
        expect![[r#"
            1997-01-13 cdnow return r1 p1 10 USD
                returned 10.00 USD
                -10 of dollars of mypoints 1: cdnow had paid 9000 micros USD
                  10 of lot 2.0
                mypoints: 640, 500 held
            1997-01-13 cdnow consent_withdrawn c2 sign-in
                by mypoints 1
                permits sign-in no longer
                mypoints: 650, 500 held
            1997-01-13 cdnow capture 3 3
                -500 for 1 voucher: cdnow is paid 7000 micros USD, of hold 3; 0 given back
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 650
            1997-01-13 cdnow release 3 3
                hold 3 gives 500 back: Asked
                mypoints: 1150
            1997-01-13 member release 3 3
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 cdnow refund 3 4
                redemption 4 gives 500 back: cdnow pays 7000 micros USD back
                  500 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 1150, 500 held
            1997-01-13 mypoints email_read e1 m1
                by mypoints 1
                +10 Base by e-mail: mypoints, mypoints pays 9000 micros USD
                mypoints: 660, 500 held"#]],
    );
}

#[test]
fn what_waits_is_judged_when_its_time_has_come() {
    check(
        MYPOINTS,
        "1997-01-12 mypoints email_read e1 m1
         1997-01-12 operator suspend mypoints",
        "
        1997-01-12 cdnow consent_given c1 marketing
        1997-01-12 operator resume mypoints
        1997-01-13 cdnow email_read e2 m2",
        expect![[r#"
            1997-01-12 cdnow consent_given c1 marketing
                by mypoints 1
                permits marketing
            1997-01-12 operator resume mypoints
                partner mypoints resumed at 1997-01-12T00:00:00Z
            1997-01-13 cdnow email_read e2 m2
                e1 at last: refused PARTNER_SUSPENDED: partner mypoints is suspended
                by mypoints 1
                nothing: NoRule"#]],
    );
}

#[test]
fn what_was_refused_is_sent_again_when_the_partner_is_back() {
    check(
        MYPOINTS,
        &format!("{SUSPENDED}\n1997-01-13 cdnow purchase p2 10 USD\n1997-01-14 operator resume cdnow"),
        "
        1997-01-14 cdnow purchase p2 10 USD at=1997-01-13
        1997-01-14 cdnow purchase p2 10 USD at=1997-01-13 revision=1
        1997-01-14 cdnow redeem 3 voucher
        ",
        expect![[r#"
            1997-01-14 cdnow purchase p2 10 USD at=1997-01-13
                repeat of 5
            1997-01-14 cdnow purchase p2 10 USD at=1997-01-13 revision=1
                by mypoints 1
                +10 Base by dollars: cdnow, cdnow pays 9000 micros USD
                mypoints: 1160
            1997-01-14 cdnow redeem 3 voucher
                by mypoints 1
                hold 3 gives 500 back: TimedOut
                -500 for 1 voucher: cdnow is paid 7000 micros USD
                  150 of mypoints, mypoints paid 9000 micros USD for lot 1.0
                  350 of cdnow, cdnow paid 9000 micros USD for lot 2.0
                mypoints: 650"#]],
    );
}

#[test]
fn a_partner_is_suspended_resumed_and_updated_by_the_operator() {
    check(
        MYPOINTS,
        SUSPENDED,
        "
        1997-01-13 operator suspend cdnow
        1997-01-13 operator suspend airline
        1997-01-13 operator suspend nobody
        1997-01-13 cdnow resume cdnow
        1997-01-13 operator resume cdnow
        1997-01-13 operator resume airline
        1997-01-13 operator resume nobody
        1997-01-13 operator update cdnow name=CD
        1997-01-13 operator update cdnow default=none
        1997-01-13 operator update cdnow default=mypoints
        1997-01-13 operator update nobody name=x
        1997-01-13 cdnow update cdnow name=x
        ",
        expect![[r#"
            1997-01-13 operator suspend cdnow
                nothing
            1997-01-13 operator suspend airline
                partner airline suspended at 1997-01-13T00:00:00Z
            1997-01-13 operator suspend nobody
                refused UNKNOWN_PARTNER: the network has no partner nobody
            1997-01-13 cdnow resume cdnow
                refused PERMISSION_DENIED: the caller may not do this
            1997-01-13 operator resume cdnow
                partner cdnow resumed at 1997-01-13T00:00:00Z
            1997-01-13 operator resume airline
                nothing
            1997-01-13 operator resume nobody
                refused UNKNOWN_PARTNER: the network has no partner nobody
            1997-01-13 operator update cdnow name=CD
                partner cdnow (CD), default Some(mypoints) from now on
            1997-01-13 operator update cdnow default=none
                partner cdnow (cdnow), default None from now on
            1997-01-13 operator update cdnow default=mypoints
                nothing
            1997-01-13 operator update nobody name=x
                refused UNKNOWN_PARTNER: the network has no partner nobody
            1997-01-13 cdnow update cdnow name=x
                refused PERMISSION_DENIED: the caller may not do this"#]],
    );
}

#[test]
fn an_update_is_for_what_is_decided_after_it() {
    check(
        MYPOINTS,
        "1997-01-13 operator update cdnow default=none",
        "1997-01-13 cdnow purchase p1 10 USD",
        expect!["refused NO_PROGRAMME: the event names no programme and partner cdnow has no default one"],
    );
}
