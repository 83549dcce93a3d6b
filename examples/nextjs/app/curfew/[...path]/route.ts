import { proxy } from "@curfew/client/next";

import { signer } from "@/lib/curfew";
import { user } from "@/lib/user";

// The browser's way to Curfew, as whoever is signed in here.
export const { GET, POST } = proxy({ signer, user });
