import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import type { Approval } from '../../../../gateway/contract/decision.ts';
import { callApi } from '../../api/client.ts';
import { applyEvent } from '../../api/events.ts';
import { usePreferences } from '../../preferences.ts';

/** How long one sign of a person keeps the clock still. */
const ATTENTION_MS = 30_000;
const EXTEND_EVERY_MS = 10_000;

export interface Attention {
  /** Somebody is looking: the clock stands. */
  attended: boolean;
  /** Can it wait longer than its clock says? Not once it is at the client's or the gateway's own limit. */
  extendable: boolean;
  /** A sign of a person. */
  sign(): void;
  /** Asks for more time now. */
  extend(): void;
}

/**
 * While a person deals with the card it gets its time again and again, so that nobody is cut off while
 * reading; who only leaves the window open is not waited for.
 */
export function useAttention(approval: Approval): Attention {
  const client = useQueryClient();
  const [attended, setAttended] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  const asked = useRef(0);
  const { id, state, expiresAt, latestAt, verdict } = approval;
  const extendable = state === 'waiting' && Date.parse(expiresAt) < Date.parse(latestAt);
  // Never longer than half of what the gateway waits: the clock that stands must not run out.
  const still = Math.min(ATTENTION_MS, verdict.expiresSeconds * 500);

  const extend = useCallback(() => {
    asked.current = Date.now();
    callApi('extendApproval', { id }).then(
      (extended) => applyEvent(client, { type: 'approval', approval: extended }),
      // It ended meanwhile, which the event stream says, or nothing answers, which the shell says.
      () => {},
    );
  }, [client, id]);

  const sign = useCallback(() => {
    if (!extendable) return;
    setAttended(true);
    if (timer.current !== null) clearTimeout(timer.current);
    timer.current = setTimeout(() => setAttended(false), still);
    if (Date.now() - asked.current > Math.min(EXTEND_EVERY_MS, still / 2)) extend();
  }, [extendable, extend, still]);

  // Whoever asked for it is not cut off while the card is shown; the limits of the gateway stay.
  const { moreTime } = usePreferences();
  useEffect(() => {
    if (!moreTime || !extendable) return;
    const seen = () => {
      if (document.visibilityState === 'visible') sign();
    };
    seen();
    const again = setInterval(seen, still / 2);
    return () => clearInterval(again);
  }, [moreTime, extendable, sign, still]);

  useEffect(
    () => () => {
      if (timer.current !== null) clearTimeout(timer.current);
    },
    [],
  );
  return { attended: attended && extendable, extendable, sign, extend };
}
