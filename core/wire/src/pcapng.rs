//! Captures as files: the blocks of pcap-ng that carry frames
//! ([draft-ietf-opsawg-pcapng](https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/)).
//!
//! Little-endian, Ethernet, times in nanoseconds; each packet may have a comment, which Wireshark
//! shows beside it.

mod field;

use field::{Options, block, little32, padded, take};

use crate::ParseError;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;
const MAGIC: u32 = 0x1a2b_3c4d;
const ETHERNET: u16 = 1;
/// 10⁻⁹ s.
const NANOSECONDS: u8 = 9;

const OPT_COMMENT: u16 = 1;
const SHB_USERAPPL: u16 = 4;
const IF_NAME: u16 = 2;
const IF_DESCRIPTION: u16 = 3;
const IF_TSRESOL: u16 = 9;
const EPB_FLAGS: u16 = 2;

/// One block of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// The beginning of a file, and the program that wrote it.
    Section(String),
    /// An interface; packets name it by its place in the file, from 0 on.
    Interface(Interface),
    /// A frame.
    Packet(Captured),
    /// What this reader does not know.
    Other(u32),
}

/// Where frames were taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// What the system calls it.
    pub name: String,
    /// What it is, for people.
    pub told: String,
    /// The most bytes that are kept of a frame.
    pub most: u32,
}

/// A frame that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// The interface's place in the file.
    pub interface: u32,
    /// When, in nanoseconds since 1970.
    pub at: u64,
    /// Whether it left by the interface, else it came in.
    pub outgoing: bool,
    /// How long it was.
    pub length: u32,
    /// What was kept of it.
    pub bytes: Vec<u8>,
    /// What there is to say of it.
    pub comment: String,
}

impl Block {
    /// The block as it stands in a file.
    #[must_use]
    pub fn emit(&self) -> Vec<u8> {
        match self {
            Self::Section(program) => {
                let version = [1_u16.to_le_bytes(), 0_u16.to_le_bytes()].concat();
                // The section's length is not known: all bits set.
                let head = [&MAGIC.to_le_bytes()[..], &version, &[0xff; 8]].concat();
                block(SECTION, &head, &Options::new().text(SHB_USERAPPL, program))
            }
            Self::Interface(interface) => {
                let kind = [ETHERNET.to_le_bytes(), [0, 0]].concat();
                let head = [&kind[..], &interface.most.to_le_bytes()].concat();
                let options = Options::new()
                    .text(IF_NAME, &interface.name)
                    .text(IF_DESCRIPTION, &interface.told)
                    .bytes(IF_TSRESOL, &[NANOSECONDS]);
                block(INTERFACE, &head, &options)
            }
            Self::Packet(captured) => captured.emit(),
            Self::Other(kind) => block(*kind, &[], &Options::new()),
        }
    }

    /// Reads the first block of `bytes`; the rest is what comes after it.
    ///
    /// # Errors
    ///
    /// [`ParseError`] if it is cut off, or of a section with the other byte order.
    pub fn parse(bytes: &[u8]) -> Result<(Self, &[u8]), ParseError> {
        let kind = little32(bytes, 0)?;
        let length = little32(bytes, 4)? as usize;
        let body = take(bytes, 8, length.saturating_sub(12))?;
        if little32(bytes, length.saturating_sub(4))? as usize != length {
            return Err(malformed("length", length));
        }
        let block = match kind {
            SECTION if little32(body, 0)? != MAGIC => return Err(malformed("byte order", 0)),
            SECTION => Self::Section(Options::parse(body, 16)?.text_of(SHB_USERAPPL)),
            INTERFACE => {
                let options = Options::parse(body, 8)?;
                let (name, told) = (options.text_of(IF_NAME), options.text_of(IF_DESCRIPTION));
                Self::Interface(Interface { name, told, most: little32(body, 4)? })
            }
            PACKET => Self::Packet(Captured::parse(body)?),
            other => Self::Other(other),
        };
        Ok((block, bytes.get(length..).unwrap_or_default()))
    }

    /// Reads a whole file.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`].
    pub fn parse_all(mut bytes: &[u8]) -> Result<Vec<Self>, ParseError> {
        let mut blocks = Vec::new();
        while !bytes.is_empty() {
            let (block, rest) = Self::parse(bytes)?;
            blocks.push(block);
            bytes = rest;
        }
        Ok(blocks)
    }
}

impl Captured {
    fn emit(&self) -> Vec<u8> {
        let (high, low) = ((self.at >> 32).to_le_bytes(), self.at.to_le_bytes());
        let kept = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        let mut head = self.interface.to_le_bytes().to_vec();
        head.extend_from_slice(high.first_chunk::<4>().unwrap_or(&[0; 4]));
        head.extend_from_slice(low.first_chunk::<4>().unwrap_or(&[0; 4]));
        head.extend_from_slice(&kept.to_le_bytes());
        head.extend_from_slice(&self.length.to_le_bytes());
        head.extend_from_slice(&padded(&self.bytes));
        let direction: u32 = if self.outgoing { 2 } else { 1 };
        let options = Options::new()
            .text(OPT_COMMENT, &self.comment)
            .bytes(EPB_FLAGS, &direction.to_le_bytes());
        block(PACKET, &head, &options)
    }

    fn parse(body: &[u8]) -> Result<Self, ParseError> {
        let kept = little32(body, 12)? as usize;
        let options = Options::parse(body, 20 + kept.next_multiple_of(4))?;
        let flags = options.value_of(EPB_FLAGS).and_then(|flags| flags.first().copied());
        Ok(Self {
            interface: little32(body, 0)?,
            at: u64::from(little32(body, 4)?) << 32 | u64::from(little32(body, 8)?),
            outgoing: flags.is_some_and(|flags| flags & 3 == 2),
            length: little32(body, 16)?,
            bytes: take(body, 20, kept)?.to_vec(),
            comment: options.text_of(OPT_COMMENT),
        })
    }
}

fn malformed(field: &'static str, value: usize) -> ParseError {
    let value = u32::try_from(value).unwrap_or(u32::MAX);
    ParseError::Malformed { what: WHAT, field, value }
}

const WHAT: &str = "pcap-ng block";
