package webhook

import "time"

// SigningSecrets are the secrets that a request is signed with: one, or two
// while a rotation overlaps.
type SigningSecrets struct {
	Current       Secret
	Previous      Secret    // zero when no rotation overlaps
	PreviousUntil time.Time // UTC; from then on only Current signs
}

// At returns the secrets that sign a request that starts at now, the current first.
func (s SigningSecrets) At(now time.Time) []Secret {
	if !s.overlaps(now) {
		return []Secret{s.Current}
	}
	return []Secret{s.Current, s.Previous}
}

func (s SigningSecrets) overlaps(now time.Time) bool {
	return !s.Previous.IsZero() && now.Before(s.PreviousUntil)
}

// Rotation asks for a fresh secret.
type Rotation struct {
	Overlap time.Duration // how long the present secret signs too; 0: it ends at once
	Signing Signing       // the kind of the fresh one; "": as before
}

// Limits of a rotation's overlap.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 7 * 24 * time.Hour
)

// Validate notes what is wrong with the rotation.
func (r Rotation) Validate(f *Faults) {
	if r.Overlap < 0 || r.Overlap > MaxOverlap {
		f.Add("/overlap", "%s is not allowed: from 0s to %s", Duration(r.Overlap), Duration(MaxOverlap))
	}
	if r.Signing != "" && r.Signing.Fault() != "" {
		f.Add("/signing", "%q %s", clip(string(r.Signing)), r.Signing.Fault())
	}
}

// Rotate returns a fresh secret, with the present one until the overlap ends
// (P9: until then both verify, so at no moment does neither). While one
// rotation overlaps, another one with an overlap is a conflict: it would end
// the older secret before its promised time, and be just what a caller sends
// who did not get the first answer. With no overlap, only the fresh one is left.
func (s SigningSecrets) Rotate(r Rotation, now time.Time) (SigningSecrets, error) {
	if r.Signing == "" {
		r.Signing = s.Current.Signing()
	}
	fresh := SigningSecrets{Current: r.Signing.NewSecret()}
	if r.Overlap == 0 {
		return fresh, nil
	}
	if s.overlaps(now) {
		return s, Conflict("rotation_overlaps",
			"A rotation is under way: until %s the secret before this one signs too. Read the present secret, wait until then, or send {\"overlap\":\"0s\"} to end all older secrets at once.",
			s.PreviousUntil.UTC().Format(time.RFC3339))
	}
	fresh.Previous, fresh.PreviousUntil = s.Current, now.Add(r.Overlap)
	return fresh, nil
}
