//! `weft capture`: an endpoint's frames, each with the hop that it is at.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use tokio::time::{Instant, timeout_at};
use weft_api::{CaptureQuestion, FrameView, Lines};
use weft_wire::Decoded;
use weft_wire::pcapng::{Block, Captured, Interface};

use super::Outcome;
use crate::duration;
use crate::failure::Failure;
use crate::paint::{Paint, Tone};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  weft capture web                     what web sends and gets, hop by hop, wherever it runs
  weft capture web -w web.pcapng       … as a file for Wireshark: the hop is each packet's comment
  weft capture web -w - | tshark -r -  … as it comes
  weft capture web -c 20 --for 10s     at most 20 frames, and no longer than 10 s
  weft capture web -o json             for programs: one JSON object a line

Frames are taken at the workload's port (neighbor, deliver), at its network's VXLAN device (encap, decap)
and on the underlay, so a packet to another host is seen three times. What the guard drops is seen where
it came in. Of each frame the first 2048 bytes are kept.";

/// Capture what an endpoint sends and gets, hop by hop
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Capture {
    /// The endpoint: name, name.network, address or id
    #[arg(value_name = "ENDPOINT")]
    endpoint: String,
    /// Write pcap-ng here; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    write: Option<PathBuf>,
    /// End after so many frames
    #[arg(long, short, value_name = "NUMBER")]
    count: Option<u64>,
    /// End after so long
    #[arg(long = "for", value_name = "DURATION", value_parser = duration::parse)]
    lasting: Option<Duration>,
    /// Keep so many bytes of each frame
    #[arg(long, value_name = "NUMBER")]
    bytes: Option<u32>,
}

/// What was captured.
#[derive(Debug, Default, Serialize)]
struct Sum {
    frames: u64,
    lost: u64,
    file: PathBuf,
}

impl Capture {
    pub(crate) async fn run(self, session: &mut Session) -> Outcome {
        let deadline = self.lasting.and_then(|lasting| Instant::now().checked_add(lasting));
        let bounds = Bounds { deadline, left: self.count };
        let question = CaptureQuestion { endpoint: self.endpoint, bytes: self.bytes };
        let frames = session.ask("capture", async |c| c.capture(&question).await).await?;
        match self.write {
            Some(path) => save(frames, bounds, &path, session).await,
            None => show(frames, bounds, session).await,
        }
    }
}

/// When to end.
struct Bounds {
    deadline: Option<Instant>,
    left: Option<u64>,
}

impl Bounds {
    /// The next frame within the bounds.
    async fn next(&mut self, frames: &mut Lines<FrameView>) -> Result<Option<FrameView>, Failure> {
        match &mut self.left {
            Some(0) => return Ok(None),
            Some(left) => *left -= 1,
            None => {}
        }
        let next = match self.deadline {
            Some(deadline) => match timeout_at(deadline, frames.next()).await {
                Ok(next) => next,
                Err(_elapsed) => return Ok(None),
            },
            None => frames.next().await,
        };
        next.map_err(|error| Failure::call("capture", &error))
    }
}

async fn show(mut frames: Lines<FrameView>, mut bounds: Bounds, session: &mut Session) -> Outcome {
    while let Some(frame) = bounds.next(&mut frames).await? {
        if !session.output.line(&frame, |paint| line(&frame, paint))? {
            break;
        }
    }
    Ok(())
}

async fn save(
    mut frames: Lines<FrameView>,
    mut bounds: Bounds,
    path: &Path,
    session: &mut Session,
) -> Outcome {
    let to_stdout = path == Path::new("-");
    let out: Box<dyn Write> =
        if to_stdout { Box::new(io::stdout()) } else { Box::new(create(path)?) };
    let mut book = Book::open(out).map_err(|error| unwritten(path, &error))?;
    let mut sum = Sum { file: path.to_owned(), ..Sum::default() };
    while let Some(frame) = bounds.next(&mut frames).await? {
        sum.frames += 1;
        sum.lost += frame.lost;
        match book.write(&frame) {
            // Whoever reads has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            written => written.map_err(|error| unwritten(path, &error))?,
        }
    }
    if to_stdout { Ok(()) } else { session.output.show(&sum, |paint| sum_text(&sum, paint)) }
}

fn create(path: &Path) -> Result<File, Failure> {
    File::create(path).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    let what = format!("write {}", path.display());
    Failure::local(&what, error, "name a file that may be written: weft capture -w FILE")
}

/// A pcap-ng file that grows: whole after each frame.
struct Book {
    out: Box<dyn Write>,
    /// By what each is: a workload's interface may be called as the host's.
    interfaces: BTreeMap<(String, String), u32>,
}

impl Book {
    fn open(mut out: Box<dyn Write>) -> io::Result<Self> {
        let program = concat!("weft ", env!("CARGO_PKG_VERSION"));
        out.write_all(&Block::Section(program.to_owned()).emit())?;
        out.flush()?;
        Ok(Self { out, interfaces: BTreeMap::new() })
    }

    fn write(&mut self, frame: &FrameView) -> io::Result<()> {
        let interface = self.interface(frame)?;
        let captured = Captured {
            interface,
            at: frame.at,
            outgoing: frame.outgoing,
            length: frame.length,
            bytes: bytes(&frame.bytes),
            comment: format!("{}: {}", frame.hop, frame.told),
        };
        self.out.write_all(&Block::Packet(captured).emit())?;
        self.out.flush()
    }

    fn interface(&mut self, frame: &FrameView) -> io::Result<u32> {
        let told = format!("{} of {}", frame.point, frame.host);
        let key = (frame.interface.clone(), told.clone());
        if let Some(known) = self.interfaces.get(&key) {
            return Ok(*known);
        }
        let number = u32::try_from(self.interfaces.len()).map_err(io::Error::other)?;
        let block = Interface { name: frame.interface.clone(), told, most: 0 };
        self.out.write_all(&Block::Interface(block).emit())?;
        self.interfaces.insert(key, number);
        Ok(number)
    }
}

/// Pairs of digits; what is none ends it.
fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks_exact(2);
    pairs.map_while(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn line(frame: &FrameView, paint: Paint) -> String {
    let (seconds, micros) = (frame.at / 1_000_000_000, frame.at / 1_000 % 1_000_000);
    let (hours, minutes, seconds) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let at = format!("{hours:02}:{minutes:02}:{seconds:02}.{micros:06}");
    let hop = paint.tone(Tone::Good, &format!("{:8}", frame.hop));
    let told = match Decoded::parse(&bytes(&frame.bytes)) {
        Ok(decoded) => decoded.innermost().to_string(),
        Err(error) => error.to_string(),
    };
    let line = format!("{at}  {hop}  {}  {}", frame.told, paint.tone(Tone::Faint, &told));
    match frame.lost {
        0 => line,
        lost => format!("{}\n{line}", paint.tone(Tone::Wary, &format!("{lost} were not seen"))),
    }
}

fn sum_text(sum: &Sum, paint: Paint) -> String {
    let saved = format!("{} frames in {}", sum.frames, sum.file.display());
    match sum.lost {
        0 => saved,
        lost => {
            format!(
                "{saved}\n{}",
                paint.tone(Tone::Wary, &format!("{lost} came too fast to be seen"))
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use weft_model::Hop;

    use super::*;

    fn frame() -> FrameView {
        FrameView {
            at: 1_795_356_180_000_123_456,
            host: "h1".into(),
            interface: "vx0".into(),
            point: "tunnel".into(),
            hop: Hop::Encap,
            told: "for app to db at h2".into(),
            outgoing: true,
            length: 60,
            bytes: "ffffffffffff02000000000700".into(),
            lost: 0,
        }
    }

    #[test]
    fn a_frame_is_told_on_a_line() {
        let told = line(&FrameView { lost: 2, ..frame() }, Paint::Plain);
        assert!(told.starts_with("2 were not seen\n"), "{told}");
        assert!(told.contains(".000123  encap     for app to db at h2  Ethernet"), "{told}");
    }

    #[test]
    fn a_file_has_the_hop_in_each_comment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("web.pcapng");
        let mut book = Book::open(Box::new(create(&path).unwrap())).unwrap();
        book.write(&frame()).unwrap();
        book.write(&FrameView { interface: "eth0".into(), hop: Hop::Underlay, ..frame() }).unwrap();
        book.write(&frame()).unwrap();
        let blocks = Block::parse_all(&std::fs::read(&path).unwrap()).unwrap();
        let packets: Vec<_> = blocks
            .iter()
            .filter_map(|block| match block {
                Block::Packet(packet) => Some((packet.interface, packet.comment.as_str())),
                _ => None,
            })
            .collect();
        let encap = (0, "encap: for app to db at h2");
        assert_eq!(packets, [encap, (1, "underlay: for app to db at h2"), encap]);
        assert_eq!(blocks.len(), 6);
    }

    #[test]
    fn digits_become_bytes() {
        assert_eq!(bytes("00ff10"), [0, 0xff, 0x10]);
        assert_eq!(bytes("00zz10"), [0]);
    }
}
