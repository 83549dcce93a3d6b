// The names that rules, reasons and outcomes have on the pages.

/** rules: what a session is called that a rule ends, one and many. */
export const rules = {
  oldWaitingSessions: ["old waiting session", "old waiting sessions"],
  orphanedSessions: ["orphan", "orphans"],
  noShows: ["no-show", "no-shows"],
  overran: ["overrun session", "overrun sessions"],
  due: ["appointment that begins", "appointments that begin"],
  scheduledMissed: ["missed appointment", "missed appointments"],
};

/** figures: what the stats of a run count, one and many: rows, and the last three sessions and requests. */
export const figures = {
  oldWaitingSessions: rules.oldWaitingSessions,
  expiredRequests: ["expired request", "expired requests"],
  orphanedSessions: rules.orphanedSessions,
  noShows: ["row of no-shows", "rows of no-shows"],
  overran: ["row of overrun sessions", "rows of overrun sessions"],
  scheduledMissed: ["row of missed appointments", "rows of missed appointments"],
};

/** standing: what a session's status means to its customer. */
export const standing = (session) => ({
  scheduled: "an appointment",
  waiting: session.assigned || session.mechanicId ? "accepted, not yet joined" : "waiting for a mechanic",
  live: "live",
  completed: "completed",
  cancelled: "cancelled",
}[session.status] ?? session.status);

const outcomes = {
  fulfilled: "pays for a session.",
  deferred: "waits for the slot: the session follows when the open one has ended.",
  held: "is held: somebody has to look at it.",
  credited: "is credited: it pays for the next session of its plan.",
  refund_due: "will be refunded.",
  refunding: "is being refunded.",
  refunded: "was refunded.",
  forfeited: "is used up: its customer did not come.",
};

/** became: what has become of a payment, behind its name. */
export const became = ({ outcome }) => outcomes[outcome] ?? `is ${outcome}.`;

const settlements = {
  fulfilled: "stays paid",
  credited: "credit",
  refund_due: "refund",
  forfeited: "used up",
};

/** settlement: what a payment would become when its session ends. */
export const settlement = (owed) => settlements[owed] ?? owed;
