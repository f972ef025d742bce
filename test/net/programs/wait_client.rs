// wait_client.py in Rust.
use std::io::{Read, Write};
use std::net::TcpStream;

mod barrier;
use barrier::{about_to_wait, until_waiting};

fn main() {
    let mut answer = [0; 1024];

    until_waiting("accept");
    let mut conn = TcpStream::connect("127.0.0.1:50000").unwrap(); // connect
    until_waiting("request");
    conn.write_all(b"eighteen bytes ok!").unwrap(); // send
    about_to_wait("answer");
    let n = conn.read(&mut answer).unwrap(); // answer
    until_waiting("end");
    drop(conn); // close
    println!("{}", String::from_utf8_lossy(&answer[..n]));
}
