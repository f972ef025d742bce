// wait_server.py in Go, without its barriers: here threads do not wait where goroutines do.
package main

import (
	"bytes"
	"net"
	"os"
	"sync"
)

func must(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func serve(conn net.Conn, done *sync.WaitGroup) {
	request := make([]byte, 1024)

	n, err := conn.Read(request) // request
	must(err)
	_, err = conn.Write(bytes.ToUpper(request[:n])[:8]) // reply
	must(err)
	n, _ = conn.Read(request) // end
	if n != 0 {
		os.Exit(1)
	}
	must(conn.Close()) // close
	done.Done()
}

func main() {
	var done sync.WaitGroup

	server, err := net.Listen("tcp4", "127.0.0.1:50000") // listen
	must(err)
	conn, err := server.Accept() // accept
	must(err)
	done.Add(1)
	go serve(conn, &done)
	done.Wait()
	must(server.Close()) // close-listening
}
