// wait_client.py in Go, without its barriers.  It sends through another package of Go's own.
package main

import (
	"fmt"
	"net"
	"os"
)

func must(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func main() {
	answer := make([]byte, 1024)

	conn, err := net.Dial("tcp4", "127.0.0.1:50000") // connect
	must(err)
	_, err = fmt.Fprint(conn, "eighteen bytes ok!") // send
	must(err)
	n, err := conn.Read(answer) // answer
	must(err)
	must(conn.Close()) // close
	fmt.Println(string(answer[:n]))
}
