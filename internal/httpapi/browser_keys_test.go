package httpapi_test

import (
	"strings"

	"github.com/curfewhq/curfew/internal/httpapi"
)

const keysPage = "/console/keys"

func keysAreWorked(w *tab) {
	w.signIn(mara, keysPage)
	w.wait(alive)
	w.says("#state", "No service has a key.")
	w.click("button.add")
	w.wait("#ask[open]")
	w.write("#ask [name=name]", "till 7")
	w.write("#ask [name=customerPrefix]", "de-")
	w.write("#ask [name=routes]", "sessions, fulfillCheckout")
	w.write("#ask [name=maxAmount]", "5000")
	w.write("#ask [name=currency]", "EUR")
	w.confirm("This is the key", "curfew_key_")
	w.wait("#keys li")
	w.says("#state", "Services have 1 key.")
	w.says("#keys", "till 7", "active", "customers de-…; routes sessions, fulfillCheckout; amounts up to 50.00 EUR", "Never used", "expires in")

	w.fixture.exec("UPDATE api_keys SET name = ?, used_at = created_at - 3600000000", strings.Repeat("a-long-name-", 10))
	w.open(keysPage)
	w.wait(alive, "#keys li")
	w.says("#keys", "Last used", "ago")
	w.accessible()
	w.picture("keys")
	w.click("#keys li button.rotate")
	w.wait("#ask[open]")
	w.confirm("This is the key", "curfew_key_")
	w.wait("#keys li")
	w.says("#keys", "the previous secret stays valid for")
	w.click("#keys li button.revoke")
	w.wait("#ask[open]")
	w.confirm("It is revoked.")
	w.gone("#keys li button.revoke")
	w.says("#keys", "revoked")
	all, err := httpapi.Keys(w.fixture.store).List(w.Context())
	w.fixture.must(err)
	if k := all[0]; len(all) != 1 || *k.Scope.MaxAmount != 5000 || k.Scope.Currency != "eur" || k.RotatedAt.IsZero() || k.RevokedBy.ID != mara.ID {
		w.Errorf("the key is %+v", k)
	}
}
