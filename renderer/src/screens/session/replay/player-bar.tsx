import { ActionIcon, Button, SegmentedControl, Switch, Tooltip } from '@mantine/core';
import {
  IconArrowsMaximize,
  IconPlayerPause,
  IconPlayerPlay,
  IconPlayerSkipBack,
  IconPlayerSkipForward,
} from '@tabler/icons-react';
import { memo, type ReactNode, useMemo } from 'react';
import { Keys } from '../../../components/keys.tsx';
import { strings } from '../../../strings.ts';
import { clock } from '../../../text/format.ts';
import { type PlayerEvent, type PlayerState, SPEEDS, type Speed } from './player.ts';
import classes from './player-bar.module.css';
import { density, type MarkerKind, type Timeline, thinMarkers } from './timeline.ts';

const t = strings.replay;
const DENSITY_BUCKETS = 160;
const MARKER_BUCKETS = 240;

/** Each kind has its own shape: a circle asks, a square refuses, a triangle warns. */
function Shape({ kind }: { kind: MarkerKind }) {
  return (
    <svg viewBox="0 0 10 10" width={10} height={10} className={classes[kind]} aria-hidden>
      {kind === 'asked' && <circle cx={5} cy={5} r={4} />}
      {kind === 'denied' && <rect x={1.2} y={1.2} width={7.6} height={7.6} />}
      {kind === 'error' && <path d="M5 0.8 9.6 9.2H0.4Z" />}
    </svg>
  );
}

const Band = memo(function Band({ timeline }: { timeline: Timeline }) {
  const shares = useMemo(() => density(timeline, DENSITY_BUCKETS), [timeline]);
  const markers = useMemo(() => thinMarkers(timeline, MARKER_BUCKETS), [timeline]);
  return (
    <>
      <svg className={classes.density} viewBox={`0 0 ${DENSITY_BUCKETS} 10`} preserveAspectRatio="none" aria-hidden>
        {shares.map((share, index) =>
          share === 0 ? null : (
            // biome-ignore lint/suspicious/noArrayIndexKey: a bucket is its place.
            <rect key={index} x={index} y={10 - (2 + share * 8)} width={0.9} height={2 + share * 8} />
          ),
        )}
      </svg>
      <div className={classes.markers} aria-hidden>
        {markers.map((marker) => (
          <span
            key={marker.index}
            className={classes.marker}
            style={{ left: `${(marker.at / timeline.total) * 100}%` }}
            title={t.marker[marker.kind]}
          >
            <Shape kind={marker.kind} />
          </span>
        ))}
      </div>
    </>
  );
});

function Control({
  label,
  keys,
  children,
  onClick,
}: {
  label: string;
  keys: readonly string[];
  children: ReactNode;
  onClick(): void;
}) {
  return (
    <Tooltip
      label={
        <>
          {label} <Keys keys={keys} />
        </>
      }
    >
      <ActionIcon variant="default" size="lg" aria-label={label} aria-keyshortcuts={keys.join(' ')} onClick={onClick}>
        {children}
      </ActionIcon>
    </Tooltip>
  );
}

interface Props {
  timeline: Timeline;
  state: PlayerState;
  /** The session is still open, so there is a "live". */
  open: boolean;
  send(event: PlayerEvent): void;
  fullScreen(): void;
  skipIdle: boolean;
  setSkipIdle(skip: boolean): void;
}

export function PlayerBar({ timeline, state, open, send, fullScreen, skipIdle, setSkipIdle }: Props) {
  const counts = { asked: 0, denied: 0, error: 0 };
  for (const marker of timeline.markers) counts[marker.kind]++;
  const position = t.at(clock(state.position), clock(timeline.total));
  return (
    <section className={classes.bar} aria-label={t.label}>
      <div className={classes.track}>
        <Band timeline={timeline} />
        <input
          type="range"
          className={classes.range}
          min={0}
          max={timeline.total}
          step="any"
          value={state.position}
          onChange={(event) => send({ type: 'sought', position: Number(event.currentTarget.value) })}
          aria-label={t.position}
          aria-valuetext={position}
        />
      </div>
      <div className={classes.controls}>
        <Control label={state.playing ? t.pause : t.play} keys={['space']} onClick={() => send({ type: 'toggled' })}>
          {state.playing ? <IconPlayerPause size={18} /> : <IconPlayerPlay size={18} />}
        </Control>
        <Control label={t.stepBack} keys={[',']} onClick={() => send({ type: 'stepped', by: -1 })}>
          <IconPlayerSkipBack size={17} />
        </Control>
        <Control label={t.step} keys={['.']} onClick={() => send({ type: 'stepped', by: 1 })}>
          <IconPlayerSkipForward size={17} />
        </Control>
        <span className={classes.clock}>{position}</span>
        <SegmentedControl
          size="xs"
          aria-label={t.speed}
          data={SPEEDS.map((speed) => ({ value: String(speed), label: `${speed}×` }))}
          value={String(state.speed)}
          onChange={(value) => send({ type: 'speedChosen', speed: Number(value) as Speed })}
        />
        <Switch
          size="xs"
          label={t.skipIdle}
          title={t.idle}
          checked={skipIdle}
          onChange={(event) => setSkipIdle(event.currentTarget.checked)}
        />
        {open && (
          <Button
            size="compact-sm"
            variant={state.live ? 'light' : 'default'}
            aria-pressed={state.live}
            onClick={() => send({ type: 'wentLive' })}
          >
            {state.live ? t.live : t.goLive}
          </Button>
        )}
        <span className={classes.legend}>
          {(Object.keys(counts) as MarkerKind[])
            .filter((kind) => counts[kind] > 0)
            .map((kind) => (
              <span key={kind} className={classes.legendItem}>
                <Shape kind={kind} /> {t.markerCount[kind](counts[kind])}
              </span>
            ))}
        </span>
        <Control label={t.fullScreen} keys={['F']} onClick={fullScreen}>
          <IconArrowsMaximize size={16} />
        </Control>
      </div>
    </section>
  );
}
