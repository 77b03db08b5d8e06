package dispatcher

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
)

// The checker turns numbers into exact fractions. For 1e999999 that is a
// million digits, made in a moment's typing by whoever sends it; beyond a
// million it gets no fraction at all and would make the checker crash. So a
// number that is longer or has a larger exponent than any that means something
// is replaced, for the check only, by one that is as good: of the same sign,
// as far beyond every bound, whole or not as before.
const (
	tameDigits   = 400
	tameExponent = 400
)

// tame returns n, or what stands for it in the check.
func tame(n json.Number) json.Number {
	s := string(n)
	e := strings.IndexAny(s, "eE")
	if e < 0 && len(s) <= tameDigits {
		return n
	}
	mantissa, exponent := s, big.NewInt(0)
	if e >= 0 {
		mantissa = s[:e]
		// An exponent may itself be a number of any length.
		exponent.SetString(strings.TrimPrefix(s[e+1:], "+"), 10)
	}
	if len(mantissa) <= tameDigits && exponent.IsInt64() && exponent.Int64() >= -tameExponent && exponent.Int64() <= tameExponent {
		return n
	}
	return standIn(mantissa, exponent)
}

// standIn keeps sign, the first digits and the place of the point, within
// bounds.
func standIn(mantissa string, exponent *big.Int) json.Number {
	sign := ""
	if rest, ok := strings.CutPrefix(mantissa, "-"); ok {
		sign, mantissa = "-", rest
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	if digits == "" {
		return "0"
	}
	// value = 0.digits × 10^point
	point := new(big.Int).Add(exponent, big.NewInt(int64(len(digits)-len(fraction))))
	digits = strings.TrimRight(digits, "0")
	cutFraction := len(digits) > tameDigits && point.Cmp(big.NewInt(int64(len(digits)))) < 0
	whole = digits[:min(len(digits), tameDigits)]
	switch limit := big.NewInt(tameExponent); {
	case point.Cmp(limit) > 0:
		point = limit
	case point.CmpAbs(limit) > 0:
		point.Neg(limit)
	}
	if cutFraction { // it is no whole number: the last digit says so
		whole += strings.Repeat("0", max(0, int(point.Int64())-len(whole))) + "1"
	}
	// whole digits, then the exponent that puts the point where it was
	return json.Number(sign + whole + "e" + strconv.FormatInt(point.Int64()-int64(len(whole)), 10))
}
