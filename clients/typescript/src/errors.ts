// One class for each code of a problem, and one each for what is no problem of Curfew's: no answer, and somebody else's.

import type { Approval, ApprovalPending, Job, Problem } from "./schema.js";

/** The code of a problem. */
export type ProblemCode = Problem["code"];

/** The problem of a code, with the members that only it has. */
export type ProblemOf<C extends ProblemCode> = Extract<Problem, { code: C }>;

/** Everything that this package throws, except the reason of a signal that a caller aborted. */
export class CurfewError extends Error {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "CurfewError";
  }
}

/** There was no answer in time, or none at all. */
export class NoAnswerError extends CurfewError {
  /** Whether the call may have taken effect all the same. */
  readonly maybeDone: boolean;

  constructor(message: string, maybeDone: boolean, cause: unknown) {
    super(message, { cause });
    this.name = "NoAnswerError";
    this.maybeDone = maybeDone;
  }
}

/** What answered was not Curfew: a proxy, or another program at that address. */
export class UnexpectedAnswerError extends CurfewError {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`answered ${status}, and not by Curfew: ${text.slice(0, 200)}`);
    this.name = "UnexpectedAnswerError";
    this.status = status;
  }
}

/** What was received is not a webhook of Curfew's, or cannot be proven to be one. */
export class WebhookError extends CurfewError {
  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "WebhookError";
  }
}

/** Nothing was done yet: another admin has to approve it first. The message says how. */
export class ApprovalPendingError extends CurfewError {
  readonly approval: Approval;

  constructor(pending: ApprovalPending) {
    super(pending.detail);
    this.name = "ApprovalPendingError";
    this.approval = pending.approval;
  }
}

/** A job failed or was stopped. What it did is in job.result. */
export class JobError extends CurfewError {
  readonly job: Job;

  constructor(job: Job) {
    super(job.error ?? `job ${job.jobId} was stopped by ${job.cancelledBy ?? "somebody"}: what was done is done, the rest is not`);
    this.name = "JobError";
    this.job = job;
  }
}

/** Curfew said no: the message is the problem's detail, which says what to do. */
export class ProblemError extends CurfewError {
  readonly code: ProblemCode;
  readonly status: number;
  readonly problem: Problem;
  /** In how many milliseconds to try again, if Curfew said. */
  readonly retryAfter: number | undefined;

  constructor(problem: Problem, retryAfter?: number) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
    this.problem = problem;
    this.retryAfter = retryAfter;
    this.name = `${this.code.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase())}Error`;
  }
}

/** A problem of one code. */
abstract class Coded<C extends ProblemCode> extends ProblemError {
  declare readonly code: C;
  declare readonly problem: ProblemOf<C>;
}

export class InvalidError extends Coded<"invalid"> {}
export class UnauthenticatedError extends Coded<"unauthenticated"> {}
/** Neither a free plan nor a credit. */
export class PaymentRequiredError extends Coded<"payment_required"> {}
export class ForbiddenError extends Coded<"forbidden"> {}
/** There is none, or it belongs to somebody else. */
export class NotFoundError extends Coded<"not_found"> {}
/** The customer has an open session: problem.session. */
export class SessionOpenError extends Coded<"session_open"> {}
/** Another mechanic was first. */
export class AlreadyClaimedError extends Coded<"already_claimed"> {}
/** The mechanic has an open session: problem.session. */
export class MechanicBusyError extends Coded<"mechanic_busy"> {}
/** Its state forbids that. */
export class ConflictError extends Coded<"conflict"> {}
export class TooLargeError extends Coded<"too_large"> {}
export class UnsupportedMediaTypeError extends Coded<"unsupported_media_type"> {}
/** Known with other contents. */
export class IdempotencyMismatchError extends Coded<"idempotency_mismatch"> {}
export class RateLimitedError extends Coded<"rate_limited"> {}
export class UnavailableError extends Coded<"unavailable"> {}
export class InternalError extends Coded<"internal"> {}
export class MethodNotAllowedError extends Coded<"method_not_allowed"> {}

type Classes = { [C in ProblemCode]: new (problem: Problem, retryAfter?: number) => Coded<C> };

const classes: Classes = {
  invalid: InvalidError,
  unauthenticated: UnauthenticatedError,
  payment_required: PaymentRequiredError,
  forbidden: ForbiddenError,
  not_found: NotFoundError,
  session_open: SessionOpenError,
  already_claimed: AlreadyClaimedError,
  mechanic_busy: MechanicBusyError,
  conflict: ConflictError,
  too_large: TooLargeError,
  unsupported_media_type: UnsupportedMediaTypeError,
  idempotency_mismatch: IdempotencyMismatchError,
  rate_limited: RateLimitedError,
  unavailable: UnavailableError,
  internal: InternalError,
  method_not_allowed: MethodNotAllowedError,
};

/** errorOf returns the error of an answer that is no success. A code that a later release added is a plain ProblemError. */
export function errorOf(response: Response, text: string): ProblemError | UnexpectedAnswerError {
  const type = response.headers.get("content-type") ?? "";
  if (type.startsWith("application/problem+json")) {
    try {
      const problem = JSON.parse(text) as Problem;
      return new (classes[problem.code] ?? ProblemError)(problem, retryAfterOf(response));
    } catch {
      // It was cut off.
    }
  }
  return new UnexpectedAnswerError(response.status, text);
}

function retryAfterOf(response: Response): number | undefined {
  const text = response.headers.get("retry-after");
  const wait = text === null ? NaN : /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
