import '@xterm/xterm/css/xterm.css';
import { ActionIcon, SegmentedControl } from '@mantine/core';
import { IconPlayerPause, IconPlayerPlay } from '@tabler/icons-react';
import { Terminal } from '@xterm/xterm';
import { useEffect, useRef, useState } from 'react';
import type { TerminalPart } from '../../../../../../gateway/contract/terminal.ts';
import { Notice } from '../../../../components/tone.tsx';
import { strings } from '../../../../strings.ts';
import { clock } from '../../../../text/format.ts';
import classes from './terminal-replay.module.css';
import { bytesOf, type Frame, framesUntil } from './timeline.ts';

const t = strings.session.terminal;
const SPEEDS = [1, 2, 4, 8] as const;
/** A terminal that was none: what went to pipes is shown as lines. */
const PLAIN = { cols: 100, rows: 24 };
const GAP = '\u001b[7m?\u001b[0m';
const SCROLLBACK = 5000;

/** Paints frames on a screen; back is from the beginning on, since a terminal keeps no past. */
class Screen {
  readonly #terminal: Terminal;
  readonly #frames: readonly Frame[];
  readonly #size: { cols: number; rows: number };
  #painted = 0;

  constructor(place: HTMLElement, size: TerminalPart['size'], frames: readonly Frame[]) {
    this.#frames = frames;
    this.#size = size ?? PLAIN;
    this.#terminal = new Terminal({
      ...this.#size,
      disableStdin: true,
      cursorBlink: false,
      convertEol: size === null,
      scrollback: SCROLLBACK,
      screenReaderMode: true,
      fontSize: 13,
      theme: { background: '#111418' },
      // A recorded link leads where the recorded program wanted.
      linkHandler: { activate: () => {} },
    });
    this.#terminal.open(place);
  }

  showUntil(position: number): void {
    const wanted = framesUntil(this.#frames, position);
    if (wanted < this.#painted) {
      this.#terminal.reset();
      this.#terminal.resize(this.#size.cols, this.#size.rows);
      this.#painted = 0;
    }
    for (; this.#painted < wanted; this.#painted++) this.#paint(this.#frames[this.#painted]);
  }

  #paint(frame: Frame | undefined): void {
    const event = frame?.event;
    if (event?.kind === 'output' || event?.kind === 'errors') this.#terminal.write(bytesOf(event.data));
    else if (event?.kind === 'gap') this.#terminal.write(GAP);
    else if (event?.kind === 'resize') this.#terminal.resize(Math.max(2, event.cols), Math.max(1, event.rows));
  }

  dispose(): void {
    this.#terminal.dispose();
  }
}

interface Props {
  size: TerminalPart['size'];
  frames: readonly Frame[];
  /** The recording is longer than what a page holds. */
  cut: boolean;
}

/** A recorded terminal as it was: play, pause, any moment. */
export default function TerminalReplay({ size, frames, cut }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const screen = useRef<Screen>(null);
  const total = Math.max(1, frames.at(-1)?.at ?? 0);
  // What came of it is what one looks for first.
  const [position, setPosition] = useState(total);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState<number>(1);
  const hidden = frames.some(({ event }) => event.kind === 'note' && event.name === 'input-hidden');

  useEffect(() => {
    if (place.current === null) return;
    const made = new Screen(place.current, size, frames);
    screen.current = made;
    made.showUntil(Number.POSITIVE_INFINITY);
    return () => made.dispose();
  }, [size, frames]);

  useEffect(() => {
    screen.current?.showUntil(position);
  }, [position]);

  useEffect(() => {
    if (!playing) return;
    let last = performance.now();
    let frame = requestAnimationFrame(function tick(now) {
      const passed = (now - last) * speed;
      last = now;
      setPosition((before) => Math.min(total, before + passed));
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [playing, speed, total]);

  useEffect(() => {
    if (playing && position >= total) setPlaying(false);
  }, [playing, position, total]);

  const toggle = () => {
    if (!playing && position >= total) setPosition(0);
    setPlaying(!playing);
  };
  const said = t.at(clock(position), clock(total));
  return (
    <section className={classes.replay} aria-label={t.label}>
      <div ref={place} className={classes.screen} />
      <div className={classes.bar}>
        <ActionIcon variant="default" size="lg" aria-label={playing ? t.pause : t.play} onClick={toggle}>
          {playing ? <IconPlayerPause size={18} /> : <IconPlayerPlay size={18} />}
        </ActionIcon>
        <input
          type="range"
          className={classes.range}
          min={0}
          max={total}
          step="any"
          value={position}
          onChange={(event) => setPosition(Number(event.currentTarget.value))}
          aria-label={t.position}
          aria-valuetext={said}
        />
        <span className={classes.clock}>{said}</span>
        <SegmentedControl
          size="xs"
          aria-label={t.speed}
          data={SPEEDS.map((one) => ({ value: String(one), label: `${one}×` }))}
          value={String(speed)}
          onChange={(value) => setSpeed(Number(value))}
        />
      </div>
      {hidden && <Notice tone="info">{t.hidden}</Notice>}
      {cut && <Notice tone="warn">{t.cut}</Notice>}
    </section>
  );
}
