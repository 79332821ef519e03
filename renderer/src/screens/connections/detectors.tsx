import { NumberInput, Select, Switch, Text } from '@mantine/core';
import { Entity, MaskAction } from '../../../../gateway/contract/connection.ts';
import { strings } from '../../strings.ts';
import type { Draft } from './connection-draft.ts';
import classes from './connection-form.module.css';

const t = strings.connectionForm;
/** What a person tags by hand has no detector. */
const DETECTED = Entity.options.filter((entity) => entity !== 'CUSTOM' && entity !== 'PERSON');

/** What is looked for in every value, whatever column it comes from. */
export function Detectors({
  detectors,
  change,
}: {
  detectors: Draft['detectors'];
  change(next: Draft['detectors']): void;
}) {
  const { enabled, scoreThreshold, entities } = detectors;
  return (
    <fieldset className={classes.group}>
      <legend>{t.detectors}</legend>
      <Text size="sm" c="dimmed">
        {t.detectorsHint}
      </Text>
      <Switch
        label={t.detectorsOn}
        checked={enabled}
        onChange={(event) => change({ ...detectors, enabled: event.currentTarget.checked })}
      />
      {enabled && (
        <>
          <div className={classes.two}>
            {DETECTED.map((entity) => (
              <Select
                key={entity}
                label={t.entities[entity]}
                placeholder={t.notLookedFor}
                data={MaskAction.options.map((value) => ({ value, label: t.actions[value] }))}
                value={entities[entity] ?? null}
                clearable
                onChange={(value) => {
                  const { [entity]: _, ...rest } = entities;
                  change({
                    ...detectors,
                    entities: value === null ? rest : { ...rest, [entity]: value as MaskAction },
                  });
                }}
              />
            ))}
          </div>
          <NumberInput
            label={t.threshold}
            description={t.thresholdHint}
            value={scoreThreshold}
            onChange={(value) => typeof value === 'number' && change({ ...detectors, scoreThreshold: value })}
            min={0}
            max={1}
            step={0.05}
            decimalScale={2}
            clampBehavior="strict"
            maw={280}
          />
        </>
      )}
    </fieldset>
  );
}
