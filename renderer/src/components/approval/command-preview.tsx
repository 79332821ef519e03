import type { CommandPreview as Preview, PreviewPart, PreviewTone } from '../../../../gateway/contract/preview.ts';
import { strings } from '../../strings.ts';
import { Fact } from '../page.tsx';
import { type Tone, ToneIcon } from '../tone.tsx';
import { Visible } from '../visible.tsx';
import classes from './command-preview.module.css';

const t = strings.commandPreview;
const TONES: Readonly<Record<PreviewTone, Tone>> = { plain: 'info', loss: 'bad', unknown: 'warn' };
const UNDO: Readonly<Record<'all' | 'part' | 'none', Tone>> = { all: 'good', part: 'warn', none: 'bad' };

function Part({ part: { tone, sentence, lines, more } }: { part: PreviewPart }) {
  return (
    <div className={classes.part} data-tone={tone}>
      <ToneIcon tone={TONES[tone]} />
      <div>
        <Visible>{sentence}</Visible>
        {tone !== 'plain' && <span className={classes.quiet}> · {t.tones[tone]}</span>}
        {lines.length > 0 && (
          <ul className={classes.lines}>
            {lines.map((line) => (
              <li key={line}>
                <Visible>{line}</Visible>
              </li>
            ))}
            {more > 0 && <li>{t.more(more)}</li>}
          </ul>
        )}
      </div>
    </div>
  );
}

/** What a command would touch, as it was found where the files are; it comes after the card. */
export function CommandPreview({ preview: { state, parts, undo } }: { preview: Preview }) {
  return (
    <>
      <Fact name={t.title}>
        <div className={classes.preview} data-preview={state} aria-live="polite">
          {parts.map((part) => (
            <Part key={`${part.tone} ${part.sentence}`} part={part} />
          ))}
          {state === 'loading' && <span className={classes.quiet}>{t.loading}</span>}
          {state === 'failed' && <span className={classes.quiet}>{t.failed}</span>}
          {state === 'done' && parts.length === 0 && <span className={classes.quiet}>{t.nothing}</span>}
        </div>
      </Fact>
      <Fact name={t.undo}>
        {undo === null ? (
          <span className={classes.quiet}>{state === 'loading' ? t.loading : t.noUndo}</span>
        ) : (
          <div className={classes.part}>
            <ToneIcon tone={UNDO[undo.can]} />
            <Visible>{undo.sentence}</Visible>
          </div>
        )}
      </Fact>
    </>
  );
}
