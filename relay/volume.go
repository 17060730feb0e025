package relay

import (
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// VolumeStore keeps one small text between two runs of a relay: what it carried in
// this month. Read returns nil where there is none yet; Write replaces it as a whole.
type VolumeStore interface {
	Read() ([]byte, error)
	Write([]byte) error
}

// ErrVolume: what VolumeStore holds is not what a relay wrote.
var ErrVolume = errors.New("the count of this month's bytes cannot be read")

// volume counts the bytes of a calendar month in UTC.
type volume struct {
	store VolumeStore // nil: none
	limit int64       // bytes; 0 or less: none

	used atomic.Int64

	mu    sync.Mutex // guards below
	month string     // "2026-11"
	saved int64      // used when it was last written; -1: never
}

// volumeText is the form on disk.
type volumeText struct {
	Month string `json:"month"` // "2006-01"
	Bytes int64  `json:"bytes"`
}

const maxVolumeText = 256 // bytes; a real one has some 50

// newVolume goes on counting where the store says, if that is of this month.
func newVolume(store VolumeStore, limit int64, now time.Time) (*volume, error) {
	v := &volume{store: store, limit: limit, month: monthOf(now), saved: -1}
	if store == nil || limit <= 0 {
		return v, nil
	}
	b, err := store.Read()
	if err != nil || b == nil {
		return v, err
	}
	t, err := parseVolume(b)
	if err != nil {
		return nil, err
	}
	if t.Month == v.month {
		v.used.Store(t.Bytes)
	}
	return v, nil
}

func monthOf(now time.Time) string { return now.UTC().Format("2006-01") }

// parseVolume reads the form on disk. A damaged one is an error and not zero: a limit
// that somebody pays for is not lifted by a broken disk.
func parseVolume(b []byte) (volumeText, error) {
	var t volumeText
	if len(b) > maxVolumeText || json.Unmarshal(b, &t) != nil || t.Bytes < 0 {
		return volumeText{}, ErrVolume
	}
	if at, err := time.Parse("2006-01", t.Month); err != nil || monthOf(at) != t.Month {
		return volumeText{}, ErrVolume
	}
	return t, nil
}

// add counts n bytes and tells whether they were the ones that spent the volume.
func (v *volume) add(n int64) bool {
	used := v.used.Add(n)
	return v.limit > 0 && used >= v.limit && used-n < v.limit
}

// spent tells whether nothing is left of this month's volume.
func (v *volume) spent() bool { return v.limit > 0 && v.used.Load() >= v.limit }

// save writes the count down if it has changed, and begins a new month at zero.
func (v *volume) save(now time.Time) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	// A clock that goes back begins no month a second time.
	if month := monthOf(now); month > v.month {
		v.month = month
		v.used.Store(0)
	}
	used := v.used.Load()
	if v.store == nil || v.limit <= 0 || used == v.saved {
		return nil
	}
	b, err := json.Marshal(volumeText{v.month, used})
	if err != nil {
		return err
	}
	if err := v.store.Write(append(b, '\n')); err != nil {
		return fmt.Errorf("write the count of this month's bytes: %w", err)
	}
	v.saved = used
	return nil
}
