// The names that rules, reasons and outcomes have on the pages.

/** rules: how a row of the preview is called, and what becomes of its session. */
export const rules = {
  oldWaitingSessions: "Old waiting session",
  orphanedSessions: "Orphan",
  noShows: "No-show",
  overran: "Overran",
  scheduledMissed: "Missed appointment",
};

/** figures: the figures of a run's stats, one and many. */
export const figures = {
  oldWaitingSessions: ["old waiting session", "old waiting sessions"],
  expiredRequests: ["expired request", "expired requests"],
  orphanedSessions: ["orphan", "orphans"],
  potentialOrphans: ["orphan", "orphans"],
  noShows: ["no-show", "no-shows"],
  overran: ["overrun session", "overrun sessions"],
  scheduledMissed: ["missed appointment", "missed appointments"],
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
