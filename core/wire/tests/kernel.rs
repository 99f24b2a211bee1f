//! Frames that Linux made, with every checksum computed by it: none of our own arithmetic.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::tests_outside_test_module,
    clippy::indexing_slicing,
    reason = "integration tests"
)]

use weft_wire::{Checksum, Content, Decoded, Ends, Protocol, Transport, Udp};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

#[track_caller]
fn check(hex: &str, expected: &str) {
    let told = Decoded::parse(&bytes(hex)).unwrap().to_string();
    assert_eq!(told.split_once(": ").unwrap().1, expected);
}

#[test]
fn a_ping() {
    check(
        "020000000003 020000000001 0800 4500 0020 676c 4000 4001 bf5b 0a070003 0a070005
         0800 32eb 004d 0001 61626364",
        "10.7.0.3 > 10.7.0.5 ping 77/1, 4 bytes",
    );
}

#[test]
fn a_datagram_of_odd_length() {
    check(
        "020000000003 020000000001 0800 4500 0021 ba60 4000 4011 6c56 0a070003 0a070005
         9c41 0009 000d 0ba2 68656c6c6f",
        "10.7.0.3 > 10.7.0.5 UDP 40001 > 9, 5 bytes",
    );
}

#[test]
fn a_port_that_is_closed() {
    check(
        "020000000001 020000000003 0800 45c0 003d 20f7 0000 4001 44f4 0a070005 0a070003
         0303 1131 00000000 4500 0021 ba60 4000 4011 6c56 0a070003 0a070005
         9c41 0009 000d 0ba2 68656c6c6f",
        "10.7.0.5 > 10.7.0.3 ICMP type 3 code 3, 33 bytes",
    );
}

#[test]
fn a_connection_and_its_refusal() {
    check(
        "020000000003 020000000001 0800 4500 003c 74cb 4000 4006 b1db 0a070003 0a070005
         9c42 0009 3c02e05b 00000000 a002 faf0 df8a 0000
         020405b4 0402080a49f156d100000000 0103030a",
        "10.7.0.3 > 10.7.0.5 TCP 40002 > 9, syn, 0 bytes",
    );
    check(
        "020000000001 020000000003 0800 4500 0028 0000 4000 4006 26bb 0a070005 0a070003
         0009 9c42 00000000 3c02e05c 5014 0000 e310 0000",
        "10.7.0.5 > 10.7.0.3 TCP 9 > 40002, rst ack, 0 bytes",
    );
}

#[test]
fn a_question_for_a_neighbor_with_a_nonce_in_place_of_an_address() {
    check(
        "3333ff000001 020000000001 86dd 60000000 0020 3a ff
         00000000000000000000000000000000 ff0200000000000000000001ff000001
         8700 dd0c 00000000 fe80000000000000000000fffe000001 0e01 8a3496b67124",
        ":: > ff02::1:ff00:1 ND, who has fe80::ff:fe00:1?",
    );
}

#[test]
fn a_header_before_the_message_is_left_alone() {
    check(
        "333300000016 020000000001 86dd 60000000 0024 00 01
         00000000000000000000000000000000 ff020000000000000000000000000016
         3a00 0502 0000 0100 8f00 6f89 0000 0001 0400 0000
         ff0200000000000000000001ff000001",
        ":: > ff02::16 protocol 0, 36 bytes",
    );
}

#[test]
fn a_flipped_bit_in_a_payload_is_noticed() {
    let mut frame = bytes(
        "020000000003 020000000001 0800 4500 0021 ba60 4000 4011 6c56 0a070003 0a070005
         9c41 0009 000d 0ba2 68656c6c6f",
    );
    *frame.last_mut().unwrap() ^= 1;
    let decoded = Decoded::parse(&frame).unwrap();
    let Content::Ip(_, Transport::Udp(udp, 5)) = decoded.content else { panic!("{decoded:?}") };
    assert_eq!(udp.checksum, Checksum::Wrong(0x0ba2));
}

/// RFC 768: zero means that there is none, so a sum of zero is written as all ones.
#[test]
fn a_sum_of_zero_is_not_mistaken_for_none() {
    let ends = Ends::V4 { source: [10, 7, 0, 3].into(), destination: [10, 7, 0, 5].into() };
    let udp = Udp { source_port: 1, destination_port: 2, checksum: Checksum::Right };
    let first = udp.emit(&[0, 0], ends);
    let datagram = udp.emit(&first[6..8], ends);
    assert_eq!(datagram[6..8], [0xff, 0xff]);
    assert_eq!(Udp::parse(&datagram, ends).unwrap().0.checksum, Checksum::Right);
    assert_eq!(Protocol::from(17), Protocol::Udp);
}
