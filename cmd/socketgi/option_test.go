package main

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/socketgi/socketgi/units"
	"github.com/stretchr/testify/assert"
)

// TestOptionFlags checks that fields and flags are those that there are.
func TestOptionFlags(t *testing.T) {
	for field, flag := range optionFlags {
		limit, isLimit := strings.CutPrefix(field, "Limits.")
		_, isOption := reflect.TypeFor[units.Options]().FieldByName(field)
		_, isNginx := reflect.TypeFor[units.NginxOptions]().FieldByName(field)
		if isLimit {
			_, isLimit = reflect.TypeFor[units.Limits]().FieldByName(limit)
		}
		assert.True(t, isOption || isNginx || isLimit, "package units has no field %s", field)
		assert.True(t, newUnits().Flags().Lookup(flag) != nil || newNginx().Flags().Lookup(flag) != nil, "there is no --%s", flag)
	}
}

func TestExplain(t *testing.T) {
	_, err := units.Render(units.Options{Name: "a", Exec: []string{"/x"}, Listen: "9000"})
	assert.Regexp(t, `^first: --listen: "9000" is not an address`, explain(fmt.Errorf("first: %w", err)))
	_, err = units.Render(units.Options{Name: "a/b"})
	assert.Regexp(t, `^"a/b" can't name an application`, explain(err))
	assert.Equal(t, "other", explain(fmt.Errorf("other")))
}
