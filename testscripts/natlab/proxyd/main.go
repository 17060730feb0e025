// Proxyd is the proxy of the lab's networks that let nothing else out
// (natlab types proxy…, socks5). It is the one that the tests of peer/link/proxy use.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"os/signal"
	"strconv"
	"strings"
	"syscall"

	"sightline/peer/link/proxy/proxytest"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:3128", "`ADDR` to listen on")
	auth := flag.String("auth", "none", "none, basic, digest, ntlm, negotiate or socks5")
	user := flag.String("user", "", "`NAME` to log in with")
	password := flag.String("password", "", "its password")
	ports := flag.String("ports", "", "`LIST` of ports to connect to; empty: all")
	inspect := flag.String("inspect", "", "look into TLS with certificates of this `NAME`")
	flag.Parse()
	o := proxytest.Options{Auth: *auth, User: *user, Password: *password}
	for word := range strings.FieldsFuncSeq(*ports, func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(word)
		if err != nil {
			log.Fatalf("-ports: %q is not a port", word)
		}
		o.Ports = append(o.Ports, n)
	}
	var err error
	if *inspect != "" {
		if o.Inspect, err = proxytest.NewInspector(*inspect); err != nil {
			log.Fatal(err)
		}
	}
	l, err := net.Listen("tcp", *listen)
	if err != nil {
		log.Fatal(err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := proxytest.New(o).Serve(ctx, l); ctx.Err() == nil {
		log.Fatal(err)
	}
}
