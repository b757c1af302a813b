//! Takes out of Swagger UI's archive what the gateway's page of documents needs, packed as it is there.

use std::path::PathBuf;
use std::{env, fs};

use rawzip::{CompressionMethod, ZipArchive};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// By their paths in the archive, without its folder.
const WANTED: [&str; 5] = [
    "dist/swagger-ui.css",
    "dist/swagger-ui-bundle.js",
    "dist/swagger-ui-standalone-preset.js",
    "dist/favicon-32x32.png",
    "LICENSE",
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(error) = unpack() {
        println!("cargo::error=Swagger UI cannot be taken out of its archive: {error}");
    }
}

fn unpack() -> Result<(), Box<dyn std::error::Error>> {
    let folder = PathBuf::from(env::var_os("OUT_DIR").ok_or("there is no OUT_DIR")?);
    let archive = ZipArchive::from_slice(SWAGGER_UI_VENDORED)?;
    let (mut entries, mut found) = (archive.entries(), 0);
    while let Some(entry) = entries.next_entry()? {
        let path = entry.file_path().try_normalize()?.as_ref().to_owned();
        let Some(name) = path.split_once('/').map(|(_, path)| path).filter(|path| WANTED.contains(path)) else {
            continue;
        };
        let method = entry.compression_method();
        let (crc, size) = (entry.crc32(), u32::try_from(entry.uncompressed_size_hint())?);
        let packed = archive.get_entry(entry.wayfinder())?.data();
        // The same stream stands in a gzip file, between a head without a name and a check (RFC 1952).
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
        if method == CompressionMethod::STORE {
            // One block that is the last, and is not packed (RFC 1951, 3.2.4).
            let length = u16::try_from(packed.len())?;
            gzip.push(1);
            gzip.extend_from_slice(&length.to_le_bytes());
            gzip.extend_from_slice(&(!length).to_le_bytes());
        } else if method != CompressionMethod::DEFLATE {
            return Err(format!("{name} is packed in another way than is unpacked here").into());
        }
        gzip.extend_from_slice(packed);
        gzip.extend_from_slice(&crc.to_le_bytes());
        gzip.extend_from_slice(&size.to_le_bytes());
        let file = name.rsplit('/').next().unwrap_or(name);
        fs::write(folder.join(format!("{file}.gz")), gzip)?;
        found += 1;
    }
    match found == WANTED.len() {
        true => Ok(()),
        false => Err(format!("{found} of {} files are in it", WANTED.len()).into()),
    }
}
