//! The fingerprints of which the dedup index is made, against figures from elsewhere.
//!
//! They were computed in Python: the first half of the SHA-256 over tag, length in 8 bytes and bytes of each field, the
//! kind of thing being field 0, in the order of the tags' appearance in the code.

use coalition_domain::decide::{RegistryChange, RegistryCommand};
use coalition_domain::order::{line_key, opening_key, order_key};
use coalition_domain::{
    Command, Fingerprint, Identifier, PartnerEvent, Reference, Scheme, event_key, request_key,
};

use super::samples;

fn hex(fingerprint: Fingerprint) -> String {
    super::hex(fingerprint.bytes())
}

#[test]
fn keys() {
    let [Command::PartnerEvent(event), ..] = samples::commands() else { panic!("not an event") };
    assert_eq!(hex(event_key(event.partner, &event.event_id)), "ea4dbb499c859d417364b5627fd55e69");
    let requests = samples::roles().map(|role| hex(request_key(role, samples::request())));
    let expected = [
        "de5fe621f2b4c77a124c3cf955e507f2",
        "7b800250bfd3316d04d55d072888d585",
        "540433afedb13b76419cdcf1f221e48a",
    ];
    assert_eq!(requests, expected);
    let [event, _, enrol, redeem, passed, hold, ..] =
        samples::commands().map(|command| command.key().map(hex));
    assert_eq!(event.as_deref(), Some("ea4dbb499c859d417364b5627fd55e69"));
    assert_eq!((enrol.as_deref(), redeem.as_deref()), (Some(expected[1]), Some(expected[0])));
    assert_eq!(hold.as_deref(), Some(expected[1]));
    assert_eq!(passed, None, "time has no id");
}

#[test]
fn keys_of_orders() {
    let name = |text| Reference::new(text).unwrap();
    let cdnow = "cdnow".parse().unwrap();
    assert_eq!(hex(order_key(cdnow, &name("order 1"))), "6b555924e998c27c55067aa31176a519");
    assert_eq!(hex(opening_key(cdnow, &name("a1"))), "bfc1d32185bed8ad9c8c5804a1f2af8c");
    assert_eq!(hex(line_key(&name("book"))), "2443e04f0d7bb5d6855861432b9d7121");
}

#[test]
fn contents_of_commands() {
    let expected = [
        "328bf32ab0d03149b8aa4d7a9fa432e5",
        "a399c9bc72806e3403d2f3e2a406ec6b",
        "dc52451f81a9315634ac6152b66e785f",
        "2916d6e6a958488e90fb4b1d07ea155b",
        "f8bc5462b858de7daf5b0ea85be5d7ad",
        "be19c4473758f80313290e879a53e2f7",
        "242a8b75fb6bb3a70b3f95bab56b2969",
        "5961c5eafc248b25d84e2cd2312382a4",
        "eac3e30d7e5a6dd7affc0dd576728255",
        "e74eda40f8775d1c9b69b76778cf22b6",
        "6bc12e34a00713964973b857876d427c",
        "329fd73e249d6b5cc5e94dc35f050845",
        "f1583c79d3923ff8a534670acc3526fc",
        "80d8018a12fc173955fc80c7d19f3192",
        "9079c0ad6c0b2b2cd8e3558f5519bc26",
        "86a03fa485666c62bc799d8921ac40ef",
        "328bf32ab0d03149b8aa4d7a9fa432e5",
        "95fde51973df2b42b557306574d8bccd",
        "4d913588cfc944ebc28b831ff4ba57a3",
        "d60cd27a4ffcbc331f22400129dac680",
        "94ba159d201d94e22c9eb4661f037287",
        "bda665bb57bee07db5132cc3ed4e9366",
        "e49eec674c5d1418b824146858ef7aa8",
    ];
    assert_eq!(samples::commands().map(|command| hex(command.content())), expected);
}

#[test]
fn contents_of_partner_events() {
    let content = |event| hex(Command::PartnerEvent(event).content());
    let bodies = samples::bodies().map(|body| content(PartnerEvent { body, ..samples::partner_event() }));
    let expected = [
        "16162c0b62029e571dd7607b88d3143f",
        "ddc19dfb9ab3263027716325ae7e1244",
        "685496704e4ee26d44d996e1de082ab9",
        "91ec318ce79203fa9a72719e85184eaf",
        "328bf32ab0d03149b8aa4d7a9fa432e5",
        "cf96bd93ea9ca6c9523fe27e80ece1b8",
        "cb2345238b13ed27599a0b1794bcb14c",
        "88d9adbad0c9baf798241510816554b8",
        "277dc7417e5586024b1d02f4e07588e2",
        "b75160ba3805176195cb6d386d47f4f3",
        "d69c351049ccc8fa9a33d646e82750e5",
        "9d1983b8e540c7779a32b17afe61f969",
        "98b9b0c73d480c10a2e267f2f3d2ac5d",
        "e1e7205f718c54b1f6fbf5c1a3316e1a",
        "9f009e7dafa4c10a9b2070eb331608e6",
    ];
    assert_eq!(bodies, expected);
    let identifier = Identifier::new(Scheme::CardToken, "tok").unwrap();
    let token = content(PartnerEvent { identifier, ..samples::partner_event() });
    assert_eq!(token, "0e9e9081fbcb7f6a95a9b8dfeee7fee9");
}

#[test]
fn contents_of_registry_commands() {
    let content = |change| {
        let command = RegistryCommand { caller: None, request: samples::request(), change };
        assert_eq!(
            hex(command.key()),
            "de5fe621f2b4c77a124c3cf955e507f2",
            "nobody asks as the operator does"
        );
        hex(command.content())
    };
    let expected = [
        "9f79ebb02712c8402e432b10a954a9ce",
        "a0fdf5fcca621900fb9cecddcfabe4ab",
        "9a3014c2f0df5098edd666b09cbb01f8",
        "3652823df23ad7735f8420f721020a6d",
        "da5209ee5b3f632943206df8e93a6b8c",
        "99111713a9cd21af003b730ad5ec0371",
        "9f79ebb02712c8402e432b10a954a9ce",
        "e5251dace494a540f2bef282061ec3a0",
        "9f79ebb02712c8402e432b10a954a9ce",
        "13368313e66e8a7dc2c6c84bf4fc3cf2",
        "61f397c54d0e261798ba1d0d83200e31",
        "dfffdfcf56b24b89c21dfa0a797996be",
        "d3b0f320ac324b4a51444280c072afaf",
    ];
    assert_eq!(samples::changes().map(content), expected);
    // A key is known by whom it is for: its name and secret are drawn anew for each call.
    let keys = samples::roles().map(|role| {
        let id = "other".parse().unwrap();
        content(RegistryChange::CreateKey { id, secret_hash: [9; 32], role })
    });
    let expected = [
        "3652823df23ad7735f8420f721020a6d",
        "6d4e762cebd0be8efac4904bdaf52a7e",
        "0783ba51683898efb4becc435a397cb0",
    ];
    assert_eq!(keys, expected);
}
