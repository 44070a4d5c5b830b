package require

import (
	"os"
	"path/filepath"
	"testing"
)

// CorpusDir is where objects compiled from the kernel's own tests may lie: the
// folder that EBTOOLS_CORPUS names, or ebtools-corpus among the user's caches.
// In it are Debian's linux-source-6.12, the headers those tests need (include),
// and the objects (selftests_v3 and selftests_other). It is empty when there is
// no such place.
func CorpusDir() string {
	if dir := os.Getenv("EBTOOLS_CORPUS"); dir != "" {
		return dir
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(cache, "ebtools-corpus")
}

// Long reports whether tests are to try everything instead of a sample.
func Long() bool { return os.Getenv("EBTOOLS_LONG") != "" }

// Corpus lists the objects of the corpus, in a fixed order: about sample of
// them, spread evenly, or all if [Long]. It logs when there are none.
func Corpus(t testing.TB, sample int) []string {
	t.Helper()
	dir := CorpusDir()
	all, err := filepath.Glob(filepath.Join(dir, "selftests_*", "*.o"))
	if err != nil {
		t.Fatal(err)
	}
	if len(all) == 0 {
		t.Logf("no corpus of kernel programs in %q (EBTOOLS_CORPUS names another folder)", dir)
		return nil
	}
	if Long() || sample >= len(all) {
		return all
	}
	list := make([]string, sample)
	for i := range list {
		list[i] = all[i*len(all)/sample]
	}
	t.Logf("%d of %d objects of the corpus (EBTOOLS_LONG=1 takes all)", sample, len(all))
	return list
}
