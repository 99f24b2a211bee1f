//! Questions to the name server of a namespace, as a container's own resolver asks them.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};
use weft_kernel::Netns;

/// Where every workload's names are answered.
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 11), 53);
/// Longer than any answer may take.
const PATIENCE: Duration = Duration::from_secs(6);
const ID: u16 = 0x7766;

/// What a question goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// One datagram each way.
    Udp,
    /// One connection.
    Tcp,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// `NoError`, `NXDomain`, ….
    pub code: ResponseCode,
    /// The records' data as text, sorted.
    pub records: Vec<String>,
}

impl Said {
    /// These records and no others, without an error.
    #[must_use]
    pub fn found(records: impl IntoIterator<Item: ToString>) -> Self {
        let mut records: Vec<String> =
            records.into_iter().map(|record| record.to_string()).collect();
        records.sort();
        Self { code: ResponseCode::NoError, records }
    }

    /// No records, and why.
    #[must_use]
    pub const fn nothing(code: ResponseCode) -> Self {
        Self { code, records: Vec::new() }
    }
}

/// Asks from inside a namespace.
///
/// # Errors
///
/// If no answer comes, or one that is none.
pub fn ask(netns: &Netns, name: &str, kind: RecordType, over: Over) -> anyhow::Result<Said> {
    ask_within(PATIENCE, netns, (name, kind), over)
}

/// Asks from inside a namespace, and waits so long for the answer.
///
/// # Errors
///
/// If no answer comes, or one that is none.
pub(crate) fn ask_within(
    patience: Duration,
    netns: &Netns,
    (name, kind): (&str, RecordType),
    over: Over,
) -> anyhow::Result<Said> {
    let mut question = Message::new(ID, MessageType::Query, OpCode::Query);
    question.metadata.recursion_desired = true;
    question.add_query(Query::query(Name::from_ascii(format!("{name}."))?, kind));
    let question = question.to_vec()?;
    let answer = netns.run(|| match over {
        Over::Udp => by_datagram(&question, patience),
        Over::Tcp => by_stream(&question, patience),
    })??;
    let answer = Message::from_vec(&answer)?;
    anyhow::ensure!(answer.metadata.id == ID, "the answer is to another question");
    let mut records: Vec<String> =
        answer.answers.iter().map(|record| record.data.to_string()).collect();
    records.sort();
    Ok(Said { code: answer.metadata.response_code, records })
}

fn by_datagram(question: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    socket.set_read_timeout(Some(patience))?;
    socket.connect(SERVER)?;
    socket.send(question)?;
    let mut answer = vec![0; 4096];
    let length = socket.recv(&mut answer)?;
    answer.truncate(length);
    Ok(answer)
}

fn by_stream(question: &[u8], patience: Duration) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&SERVER.into(), patience)?;
    stream.set_read_timeout(Some(patience))?;
    let length = u16::try_from(question.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), question].concat())?;
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut answer)?;
    Ok(answer)
}
