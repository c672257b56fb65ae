package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"
)

// Far beyond what a switch takes; the machine may be busy.
const patience = 60 * time.Second

// What the test gives to the program; it and the program then say lines of JSON to each other (see ../scripts/link.py).
type options struct {
	Address  string
	DeviceID uint64
	// Binary P4Info.
	P4Info  string
	Program string
	// What the client announces as the largest list of headers that it takes; 0: the library's default.
	MaxHeaderBytes uint32
}

var answers = bufio.NewReader(os.Stdin)

func say(line any) {
	text, err := json.Marshal(line)
	must(err)
	fmt.Println(string(text))
}

func ask(line any, answer any) {
	say(line)
	text, err := answers.ReadBytes('\n')
	must(err)
	must(json.Unmarshal(text, answer))
}

// Something that was seen; the test compares it with what it expects.
func check(name string, value any) {
	say(map[string]any{"check": name, "value": value})
}

// Gives the switch a UDP packet from 127.0.0.<sender>.
func inject(port, sender int, payload string) {
	var none any
	ask(map[string]any{"inject": map[string]any{"port": port, "sender": sender, "payload": fmt.Sprintf("%x", payload)}}, &none)
}

// The next packets that leave the switch, sorted: [port, payload].
func egress(count int) any {
	var packets any
	ask(map[string]any{"egress": count}, &packets)
	return packets
}

// Reads until it is what is wanted, and returns it.
func eventually(read func() any, wanted any) any {
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		value := read()
		if value == wanted || time.Now().After(end) {
			return value
		}
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
