//! A frame as it is told.

use std::time::SystemTime;

use weft_api::FrameView;
use weft_kernel::capture::Heard;
use weft_path::{Point, Sighting};

/// What is told of a frame that was seen at a point, with its first `bytes`.
pub(super) fn view(
    (host, interface, point): (&str, &str, Point),
    heard: &Heard,
    sighting: Sighting,
    bytes: usize,
) -> FrameView {
    let at = heard.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    FrameView {
        at: u64::try_from(at.as_nanos()).unwrap_or(u64::MAX),
        host: host.to_owned(),
        interface: interface.to_owned(),
        point: word(point).to_owned(),
        hop: sighting.hop,
        told: sighting.told,
        outgoing: heard.outgoing,
        length: u32::try_from(heard.length).unwrap_or(u32::MAX),
        bytes: digits(heard.bytes.get(..bytes).unwrap_or(&heard.bytes)),
        lost: 0,
    }
}

const fn word(point: Point) -> &'static str {
    match point {
        Point::Port => "port",
        Point::Tunnel => "tunnel",
        Point::Underlay => "underlay",
    }
}

fn digits(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut digits, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_written_in_digits() {
        assert_eq!(digits(&[0, 0x0a, 0xff]), "000aff");
    }
}
