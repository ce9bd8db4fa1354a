// CoreDNS with the plugins that Kubernetes' tests configure: the whole of it would bring the clients of five clouds.
package main

import (
	"github.com/coredns/coredns/coremain"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/hosts"
	_ "github.com/coredns/coredns/plugin/log"
)

func main() {
	coremain.Run()
}
