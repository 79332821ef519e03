import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { createEmergency, type Emergency, type EmergencyDeps } from '../approvals/emergency.ts';
import { type EmergencyPipeline, emergencyPipeline } from '../approvals/emergency-pipeline.ts';
import type { Alert } from '../contract/alert.ts';
import type { EmergencyView } from '../contract/emergency.ts';
import type { Identity } from '../contract/identity.ts';
import type { ControlHandlers } from '../control/handlers.ts';
import type { DeviceLog } from '../evidence/device/ports.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { Clock } from '../pipeline/ports.ts';
import { ulid } from '../sessions/ulid.ts';
import { ownSession } from '../siem/records.ts';
import type { Siem } from '../siem/siem.ts';

type EmergencyRoute = 'emergency' | 'beginEmergency' | 'endEmergency' | 'putEmergency';

export interface ServiceEmergency extends Emergency {
  pipeline(pipeline: Pipeline): EmergencyPipeline;
  handlers: Pick<ControlHandlers, EmergencyRoute>;
}

/** Emergency access, as the gateway runs it: written down, told to everybody who should know, and ended in time. */
export function serviceEmergency(parts: {
  home: string;
  clock: Clock;
  schedule: EmergencyDeps['schedule'];
  fixed: EmergencyDeps['fixed'];
  log: Pick<DeviceLog, 'append'>;
  identity(): Identity;
  protection: 'protected' | 'unprotected';
  siem: () => Pick<Siem, 'happened'>;
  /** Open consoles and the desktop. */
  alerted(alert: Alert): void;
  /** The people whose approval is gone without. */
  notify(notice: { title: string; sentence: string }): void;
  onChange(): void;
  onProblem(sentence: string): void;
}): ServiceEmergency {
  const { clock } = parts;
  let running: EmergencyPipeline | null = null;

  function tell(view: EmergencyView, begun: boolean): void {
    const sentence = begun
      ? `${view.by} took emergency access until ${view.until.slice(11, 16)} UTC: ${view.reason}`
      : `The emergency access of ${view.by} is over: ${view.reason}`;
    const alert: Alert = {
      id: `emergency/${view.id}/${begun ? 'begun' : 'over'}`,
      rule: { id: 'emergency', title: begun ? 'Emergency access' : 'Emergency access is over' },
      severity: begun ? 'critical' : 'low',
      sentence,
      at: new Date(clock.now()).toISOString(),
      sessionId: '',
      exchange: null,
      connectionId: '',
      person: parts.identity().subject,
      agent: '',
      count: 1,
      related: [],
      actions: ['notify', 'siem'],
    };
    parts.alerted(alert);
    const at = clock.now() * 1000;
    parts.siem().happened({
      type: 'alert',
      at,
      session: ownSession(parts.identity(), parts.protection),
      evidence: { seq: null, exchange: null, leafHash: null },
      rule: alert.rule,
      severity: alert.severity,
      sentence,
      related: [],
      firstAt: at,
      lastAt: at,
    });
    parts.notify({ title: alert.rule.title, sentence });
  }

  const emergency = createEmergency({
    file: join(parts.home, 'emergency.json'),
    clock,
    newId: () => ulid(clock.now(), randomBytes(10)),
    schedule: parts.schedule,
    fixed: parts.fixed,
    log: (state, { id, until, reason }, by) => parts.log.append({ type: 'emergency', id, state, until, reason, by }),
    onChange(active, before) {
      if (active === null) running?.over();
      const told = active ?? before;
      if (told !== null) tell(told, active !== null);
      parts.onChange();
    },
    onProblem: parts.onProblem,
  });

  return {
    get active() {
      return emergency.active;
    },
    state: emergency.state,
    start: emergency.start,
    begin: emergency.begin,
    end: emergency.end,
    configure: emergency.configure,
    fixedChanged: emergency.fixedChanged,
    close: emergency.close,
    pipeline(pipeline) {
      running = emergencyPipeline(pipeline, emergency);
      return running;
    },
    handlers: {
      emergency: () => emergency.state(),
      beginEmergency: ({ reason, minutes }, { decidedBy }) => emergency.begin(reason, minutes, decidedBy),
      endEmergency: (_, { decidedBy }) => emergency.end(decidedBy),
      putEmergency: ({ settings }) => emergency.configure(settings),
    },
  };
}
