// A P4Runtime client on grpc-go, which the tests in test/clients run: `client SCENARIO OPTIONS`.
package main

import (
	"encoding/json"
	"os"
)

func main() {
	var given options
	must(json.Unmarshal([]byte(os.Args[2]), &given))
	map[string]func(options){"features": features, "failures": failures, "reads": reads}[os.Args[1]](given)
}
