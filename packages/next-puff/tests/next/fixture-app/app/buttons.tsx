'use client';

import standard, {
  arrow,
  declared,
  destructured,
  explicit,
  guarded,
  imported,
  redirecting,
  renamed,
  waiting,
} from './actions';

export function Buttons() {
  const actions = [
    declared,
    arrow,
    guarded,
    explicit,
    renamed,
    redirecting,
    waiting,
    standard,
    imported,
    destructured,
  ];
  return actions.map((action) => (
    <button key={action.name} type="button" onClick={() => (action as () => unknown)()}>
      {action.name}
    </button>
  ));
}
