package main

import (
	"testing"

	"ebtools/internal/cli/clitest"
)

func TestMain(m *testing.M) { clitest.Main(m, command) }

func TestScripts(t *testing.T) { clitest.Run(t) }
