//! Captures read back as they were written, and look as the format's description says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use proptest::prelude::{Strategy, any, prop_oneof, proptest};
use proptest::{collection, prop_assert_eq};
use weft_wire::ParseError;
use weft_wire::pcapng::{Block, Captured, Interface};

fn block() -> impl Strategy<Value = Block> {
    let text = || "[ -~äß]{0,40}";
    let interface = (text(), text(), any::<u32>())
        .prop_map(|(name, told, most)| Block::Interface(Interface { name, told, most }));
    let frame = collection::vec(any::<u8>(), 0..200);
    let packet = (any::<(u32, u64, bool, u32)>(), frame, text());
    let packet = packet.prop_map(|((interface, at, outgoing, length), bytes, comment)| {
        Block::Packet(Captured { interface, at, outgoing, length, bytes, comment })
    });
    prop_oneof![text().prop_map(Block::Section), interface, packet]
}

proptest! {
    #[test]
    fn a_file_reads_back_as_it_was_written(blocks in collection::vec(block(), 0..8)) {
        let file: Vec<u8> = blocks.iter().flat_map(Block::emit).collect();
        prop_assert_eq!(file.len() % 4, 0);
        prop_assert_eq!(Block::parse_all(&file).unwrap(), blocks);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in collection::vec(any::<u8>(), 0..200)) {
        drop(Block::parse_all(&bytes));
    }

    #[test]
    fn nor_does_a_file_with_bytes_bent(block in block(), at in any::<usize>(), bent in any::<u8>()) {
        let mut file = block.emit();
        let length = file.len();
        file[at % length] ^= bent;
        drop(Block::parse_all(&file));
    }
}

#[test]
fn a_file_begins_as_readers_expect() {
    let section = Block::Section("weft".into()).emit();
    let expected: &[u8] = &[
        0x0a, 0x0d, 0x0d, 0x0a, 40, 0, 0, 0, 0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 4, 0, 4, 0, b'w', b'e', b'f', b't', 0, 0, 0, 0, 40, 0, 0, 0,
    ];
    assert_eq!(section, expected);
}

#[test]
fn what_is_cut_off_or_of_another_order_is_told() {
    let section = Block::Section("weft".into()).emit();
    let cut = Block::parse(&section[..20]).unwrap_err();
    assert!(matches!(cut, ParseError::Truncated { what: "pcap-ng block", .. }), "{cut}");
    let mut turned = section;
    turned[8..12].reverse();
    let turned = Block::parse(&turned).unwrap_err();
    assert!(matches!(turned, ParseError::Malformed { field: "byte order", .. }), "{turned}");
}
