package wire

// TokenRevocation says which tokens of the local key to revoke: one by its id, or all of a subject.
type TokenRevocation struct {
	TokenID string `json:"tokenId,omitempty" minLength:"1" maxLength:"128" doc:"The token's jti; give either this, or role and subject"`
	Role    string `json:"role,omitempty" enum:"customer,mechanic,admin,service"`
	Subject string `json:"subject,omitempty" minLength:"1" maxLength:"128" doc:"Revokes what was issued to it until now: tokens, sign-in links and browsers"`
}
