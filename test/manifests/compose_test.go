package manifests_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// TestComposeReadsTheFile loads docker-compose.yml as "docker compose config"
// does: against the schema, with the references between its parts.
func TestComposeReadsTheFile(t *testing.T) {
	text, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	load := func(text []byte) (*types.Project, error) {
		return loader.LoadWithContext(t.Context(), types.ConfigDetails{
			WorkingDir: root, ConfigFiles: []types.ConfigFile{{Filename: "docker-compose.yml", Content: text}},
			Environment: types.Mapping{},
		})
	}
	project, err := load(text)
	if err != nil {
		t.Fatal(err)
	}
	for name, service := range project.Services {
		if service.HealthCheck == nil || service.MemLimit == 0 && service.Deploy.Resources.Limits.MemoryBytes == 0 {
			t.Errorf("%s has no health check or no limit of memory", name)
		}
		for _, secret := range service.Secrets {
			if project.Secrets[secret.Source].File != filepath.Join(root, "secrets", secret.Source) {
				t.Errorf("%s reads the secret %s from %q", name, secret.Source, project.Secrets[secret.Source].File)
			}
		}
	}
	if grace := project.Services["carteiro"].StopGracePeriod; grace == nil || grace.String() != "1m0s" {
		t.Errorf("carteiro is killed after %v", grace)
	}
	if _, err := load(append(text, "unheard: of\n"...)); err == nil {
		t.Error("an unknown key is passed over: this test sees nothing")
	}
}
