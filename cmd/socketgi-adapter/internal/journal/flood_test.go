package journal

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	now := time.Now()
	b := bucket{level: 1000, most: 1000}
	assert.True(t, b.take(600, now))
	assert.False(t, b.take(600, now), "the bucket is empty")
	assert.True(t, b.take(400, now))
	assert.False(t, b.take(1, now))
	now = now.Add(time.Millisecond)
	assert.True(t, b.take(floodRate/1000, now), "it fills up")
	assert.False(t, b.take(1, now))
	assert.False(t, b.take(1001, now.Add(time.Hour)), "to its brim")
	assert.True(t, b.take(1000, now.Add(time.Hour)))
}
