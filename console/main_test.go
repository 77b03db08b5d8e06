package console

import (
	"os"
	"testing"

	"github.com/carteiro-webhooks/carteiro/internal/testserver"
)

func TestMain(m *testing.M) {
	code := testserver.Run(m)
	chromium.stop()
	os.Exit(code)
}
