//! What is said of wrong manifests, word for word. `UPDATE_GOLDEN=1 cargo test -p tradewind` writes the texts anew;
//! read the difference before committing it.

use std::path::Path;

use crate::{folder, stderr_of, tradewind};

#[test]
fn every_mistake_is_shown_where_it_is_with_what_to_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifests");
    let mut checked = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().path();
        if file.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let name = file.file_name().unwrap();
        let output = tradewind().arg("check").arg("--manifest").arg(name).current_dir(&folder).output().unwrap();
        let told = stderr_of(&output);
        assert_eq!(output.status.code(), Some(1), "{name:?} was accepted");
        let golden = file.with_extension("txt");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&golden, &told).unwrap();
        }
        assert_eq!(told, std::fs::read_to_string(&golden).unwrap_or_default(), "{name:?}");
        checked += 1;
    }
    assert!(checked >= 5);
}

#[test]
fn a_manifest_that_is_no_utf_8_is_not_taken_for_one_that_is_not_there() {
    let folder = folder("");
    std::fs::write(folder.path().join("tradewind.toml"), b"[services.caf\xe9]\n").unwrap();
    let told = stderr_of(&tradewind().arg("check").current_dir(folder.path()).output().unwrap());
    assert!(told.contains("error[TW-4001]") && told.contains("save it as UTF-8"), "{told}");
}

#[test]
fn the_shop_s_own_manifest_is_right() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let output = tradewind().arg("check").current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
}
