package main

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

const events = `{"Action":"start","Package":"a"}
{"Action":"run","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"a","Test":"TestGood","Output":"quiet\n"}
{"Action":"pass","Package":"a","Test":"TestGood"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"    a_test.go:3: wrong\n"}
{"Action":"output","Package":"a","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"a","Test":"TestBad"}
{"Action":"output","Package":"a","Test":"TestRoot","Output":"    a_test.go:9: only root can\n"}
{"Action":"output","Package":"a","Test":"TestRoot","Output":"--- SKIP: TestRoot (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"TestRoot"}
{"Action":"output","Package":"a","Test":"TestOther","Output":"    b_test.go:1: only root can\n"}
{"Action":"skip","Package":"a","Test":"TestOther"}
{"Action":"output","Package":"a","Output":"FAIL\n"}
{"Action":"output","Package":"a","Output":"FAIL\ta\t0.1s\n"}
{"Action":"fail","Package":"a"}
{"Action":"skip","Package":"b"}
not JSON
`

func TestRead(t *testing.T) {
	var out bytes.Buffer
	s := &session{out: &out}
	s.read(strings.NewReader(events))
	if want := "    a_test.go:3: wrong\n--- FAIL: TestBad (0.00s)\nFAIL\nFAIL\ta\t0.1s\nnot JSON\n"; out.String() != want {
		t.Errorf("printed %q, want %q", out.String(), want)
	}
	if got, want := s.summary(), "skipped 2 tests: TestOther, TestRoot: only root can"; got != want {
		t.Errorf("summary %q, want %q", got, want)
	}
}

func TestCommands(t *testing.T) {
	got := commands([]string{"--", "-race", "./a", "--", "X=y", "./b"})
	if want := [][]string{{"-race", "./a"}, {"X=y", "./b"}}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
