import { Curfew, hs256 } from "@curfew/client";

// On the server only: CURFEW_URL says where Curfew is, CURFEW_AUTH_JWT_SECRET is its setting auth.jwt_secret.
export const signer = hs256(process.env.CURFEW_AUTH_JWT_SECRET ?? "");

export const curfew = new Curfew({ signer });
