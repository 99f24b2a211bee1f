//! The image `weft/busybox` that every Engine of a lab has: one static program and its names.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use crate::LabError;
use crate::error::OrHint;

/// How containers name the image.
pub const IMAGE: &str = "weft/busybox";

/// The program that the image consists of.
pub(crate) const BUSYBOX: &str = "/bin/busybox";
const HINT: &str = "install busybox-static (apt-get install busybox-static)";
const BLOCK: usize = 512;

/// Writes the image's root file system as a tar archive.
pub(crate) fn write(path: &Path) -> Result<(), LabError> {
    let what = "build the image weft/busybox";
    let program = std::fs::read(BUSYBOX).or_hint(what, HINT)?;
    // A dynamic executable names its loader near the beginning of the file.
    if program.windows(9).take(4096).any(|bytes| bytes == b"ld-linux-" || bytes == b"/ld-musl-") {
        return Err(LabError::new(what, format!("{BUSYBOX} is not static"), HINT));
    }
    let applets = Command::new(BUSYBOX).arg("--list").output().or_hint(what, HINT)?;
    let applets = String::from_utf8_lossy(&applets.stdout).into_owned();
    let file = File::create(path).or_hint(what, "is the disk full?")?;
    archive(BufWriter::new(file), &program, &applets).or_hint(what, "is the disk full?")
}

fn archive(mut tar: impl Write, program: &[u8], applets: &str) -> io::Result<()> {
    for directory in ["bin/", "etc/", "root/", "tmp/", "var/", "www/"] {
        entry(&mut tar, directory, b'5', "", &[])?;
    }
    entry(&mut tar, "etc/passwd", b'0', "", b"root:x:0:0:root:/root:/bin/sh\n")?;
    entry(&mut tar, "etc/group", b'0', "", b"root:x:0:\n")?;
    entry(&mut tar, "bin/busybox", b'0', "", program)?;
    for applet in applets.lines().filter(|applet| *applet != "busybox") {
        entry(&mut tar, &format!("bin/{applet}"), b'2', "busybox", &[])?;
    }
    tar.write_all(&[0; 2 * BLOCK])?;
    tar.flush()
}

/// One entry in the `ustar` format (POSIX.1-1988).
fn entry(tar: &mut impl Write, name: &str, kind: u8, link: &str, content: &[u8]) -> io::Result<()> {
    let length = content.len();
    let mut header = Vec::with_capacity(BLOCK);
    text(&mut header, name, 100);
    header.extend_from_slice(b"0000755\x000000000\x000000000\x00");
    header.extend_from_slice(format!("{length:011o}\0").as_bytes());
    header.extend_from_slice(b"00000000000\0        ");
    header.push(kind);
    text(&mut header, link, 100);
    header.extend_from_slice(b"ustar\x0000");
    header.resize(BLOCK, 0);
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header.splice(148..156, format!("{sum:06o}\0 ").into_bytes());
    tar.write_all(&header)?;
    tar.write_all(content)?;
    tar.write_all(&vec![0; length.next_multiple_of(BLOCK) - length])
}

fn text(header: &mut Vec<u8>, text: &str, width: usize) {
    let end = header.len() + width;
    header.extend_from_slice(text.as_bytes());
    header.resize(end, 0);
}
