// wait_server.py in Rust, with a thread for the client.
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

mod barrier;
use barrier::{about_to_wait, until_waiting};

fn serve(mut conn: TcpStream) {
    let mut request = [0; 1024];

    about_to_wait("request");
    let n = conn.read(&mut request).unwrap(); // request
    let answer = request[..n].to_ascii_uppercase();
    until_waiting("answer");
    conn.write_all(&answer[..8]).unwrap(); // reply
    about_to_wait("end");
    assert_eq!(conn.read(&mut request).unwrap(), 0); // end
    drop(conn); // close
}

fn main() {
    let server = TcpListener::bind("127.0.0.1:50000").unwrap(); // listen

    about_to_wait("accept");
    let (conn, _) = server.accept().unwrap(); // accept
    thread::spawn(move || serve(conn)).join().unwrap();
    drop(server); // close-listening
}
