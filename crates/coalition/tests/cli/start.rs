//! What a network makes of the folder that it is started in.

use std::os::unix::fs::PermissionsExt;

use crate::network::{Network, end, serve};

#[test]
fn the_operators_key_is_drawn_or_taken_as_it_lies_there() {
    let network = Network::start();
    let path = network.data().join("operator.key");
    let key = std::fs::read_to_string(&path).unwrap();
    let parts: Vec<_> = key.trim().split('_').collect();
    // 64 bits name it, 256 make the secret.
    assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 16, 64]);
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(network.run("partner list").good().starts_with("no partners yet"));

    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/operator.key"), "ck_my_own_key_0123456789abcdef\n").unwrap();
    let network = Network::start_in(folder);
    assert!(network.run("partner list").good().starts_with("no partners yet"));
}

#[test]
fn an_operators_key_that_is_none_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    std::fs::write(folder.path().join("data/operator.key"), "ck_my_own_key_\n").unwrap();
    end(serve(folder.path())).failed(1, "operator.key holds no key; remove it to have one made");
}
