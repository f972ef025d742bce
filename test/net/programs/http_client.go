// An HTTP client and its server in one program: goroutines of net/http speak for both.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func must(err error) {
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
}

func answer(writer http.ResponseWriter, request *http.Request) {
	fmt.Fprintln(writer, "done")
}

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:50000")
	must(err)
	go http.Serve(listener, http.HandlerFunc(answer))
	response, err := http.Get("http://127.0.0.1:50000/")
	must(err)
	_, err = io.Copy(os.Stdout, response.Body)
	must(err)
}
