//! The list with which Raspberry Pi Imager offers the card, made for a small fake image.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::json_schema::fits;

/// What `image/manifest` prints for a card of `card bytes`, packed as `packed`.
fn manifest(folder: &Path, name: &str, url: Option<&str>) -> Value {
    let (card, packed) = (folder.join("card.img"), folder.join(name));
    fs::write(&card, "card bytes").unwrap();
    fs::write(&packed, "packed").unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/manifest");
    let mut command = Command::new(script);
    command.arg(&card).arg(&packed).args(url).env("SOURCE_DATE_EPOCH", "1764374400");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let manifest = serde_json::from_slice(&output.stdout).unwrap();
    let schema: Value = serde_json::from_str(include_str!("imager/os-list-schema.json")).unwrap();
    fits(&schema, &schema, &manifest, "").unwrap();
    manifest
}

#[test]
fn imager_is_offered_the_card_with_its_settings_page() {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        manifest(folder.path(), "pilotlight-1.img.xz", Some("https://example.net/a.img.xz"));
    let image = &manifest["os_list"][0];
    for (member, expected) in [
        ("url", json!("https://example.net/a.img.xz")),
        ("extract_size", json!(10)),
        (
            "extract_sha256",
            json!("8762956a362089f2a8204183d6a838f4947ebe73fe18502419bb7223bf0e3ed8"),
        ),
        ("image_download_size", json!(6)),
        (
            "image_download_sha256",
            json!("88cb8a087b6e8cebfc9ae5602f5a2159a6bcf923e7f2c56809bcda6cad1727a7"),
        ),
        ("release_date", json!("2025-11-29")),
        ("devices", json!(["pi4-64bit", "pi3-64bit"])),
        ("init_format", json!("cloudinit")),
    ] {
        assert_eq!(image[member], expected, "{member}");
    }
    // Imager shows an image only for a board whose tags it has.
    let tags =
        manifest["imager"]["devices"].as_array().unwrap().iter().map(|board| &board["tags"][0]);
    assert!(
        tags.clone().all(|tag| image["devices"].as_array().unwrap().contains(tag)),
        "{manifest}"
    );
    assert_eq!(tags.count(), 3);
}

#[test]
fn a_manifest_beside_its_image_names_the_file_and_baked_settings_have_no_page() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().join("my \u{fc} \"card\" 100%");
    fs::create_dir(&folder).unwrap();
    let manifest = manifest(&folder, "pilotlight-1-ready.img.xz", None);
    let url = manifest["os_list"][0]["url"].as_str().unwrap();
    let end = "/my%20%C3%BC%20%22card%22%20100%25/pilotlight-1-ready.img.xz";
    assert!(url.starts_with("file:///") && url.ends_with(end), "{url}");
    assert_eq!(manifest["os_list"][0]["init_format"], "none");
}

#[test]
fn there_is_no_manifest_without_an_image() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("image/manifest");
    let output = Command::new(script).args(["absent.img", "absent.img.xz"]).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
}
