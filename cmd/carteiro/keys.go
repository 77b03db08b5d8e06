package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/carteiro-webhooks/carteiro/cmd/carteiro/cli"
	"github.com/carteiro-webhooks/carteiro/config"
	"github.com/carteiro-webhooks/carteiro/webhook"
)

// Files in the data directory that hold generated keys.
const (
	adminKeyFile  = cli.AdminKeyFile
	secretKeyFile = "secret.key"
)

func makeDataDir(c *config.Config) error {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("make the data directory: %w; set CARTEIRO_DATA_DIR to a directory that can be written", err)
	}
	return nil
}

// adminKey returns the admin key of the settings, or else the one in the data
// directory. made tells that it was made just now.
func adminKey(c *config.Config) (key string, made bool, err error) {
	if !c.AdminKey.Empty() {
		return c.AdminKey.Reveal(), false, nil
	}
	return keyFile(filepath.Join(c.DataDir, adminKeyFile), func() string { return webhook.NewKeyText().Reveal() })
}

// secretKey returns the key that encrypts secrets at rest.
func secretKey(c *config.Config) ([32]byte, error) {
	if !c.SecretKey.Empty() {
		return c.EncryptionKey()
	}
	text, _, err := keyFile(filepath.Join(c.DataDir, secretKeyFile), func() string {
		return base64.StdEncoding.EncodeToString(randomBytes())
	})
	if err != nil {
		return [32]byte{}, err
	}
	key, err := config.DecodeKey(text)
	if err != nil {
		return key, fmt.Errorf("%s: %w", filepath.Join(c.DataDir, secretKeyFile), err)
	}
	return key, nil
}

// keyFile reads a key, or makes it and writes it for the owner only.
func keyFile(path string, fresh func() string) (key string, made bool, err error) {
	text, err := os.ReadFile(path)
	if err == nil {
		if key = strings.TrimSpace(string(text)); key == "" {
			return "", false, fmt.Errorf("%s is empty; remove it to have a new key made", path)
		}
		return key, false, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	key = fresh()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", false, err
	}
	if _, err := f.WriteString(key + "\n"); err != nil {
		return "", false, errors.Join(err, f.Close())
	}
	return key, true, errors.Join(f.Sync(), f.Close())
}

func randomBytes() []byte {
	b := make([]byte, 32)
	rand.Read(b) // never fails (crypto/rand)
	return b
}
