/**
 * Moves of the other side that have nothing left to do.
 *
 * When an element goes, a move that only carried another element past it becomes idle, and the rules
 * discard it (L7, L8). In a view that means: at the time of the move nothing is alive between the place
 * that the element left and the one that it came to. The two then become one place.
 */
import type { ListIndex } from './list-index.js';
import { ABSENT, type ListView } from './list-view.js';

/**
 * Discards the other side's idle moves around `near`, a place of the view, as far as the nearest fixed
 * places, beyond which nothing can have changed. `own` is the side's own list. Costs the square of the places
 * in between at worst, and in practice little more than their number.
 */
export const dropIdleMoves = (view: ListView, own: ListIndex, near: number): void => {
  const { previous, next, origin: from } = view;
  let moves = 0;
  let start = near;
  for (; !view.isFixed(start); start = previous[start] as number) if (from[start] !== ABSENT) moves++;
  let end = next[near] as number;
  for (; !view.isFixed(end); end = next[end] as number) if (from[end] !== ABSENT) moves++;
  if (moves === 0) return;
  for (let place = next[start] as number; place !== end; place = next[place] as number) {
    if (view.patience-- < 0) return;
    const origin = from[place] as number;
    if (origin === ABSENT) continue;
    const time = view.birth[place] as number;
    if (isBetween(view, time, origin, place)) mergeForward(view, time, origin, place);
    else if (isBetween(view, time, place, origin)) mergeBackward(view, time, origin, place);
    else continue;
    const made = view.birth[origin] as number;
    view.made[time - 1] = ABSENT;
    view.moves--;
    if (made !== 0) view.made[made - 1] = place;
    view.birth[place] = made;
    view.origin[place] = view.origin[origin] as number;
    if (made === 0) own.rename(origin, place);
    view.remove(origin);
    // Places have changed sides, and the move before this one may be idle as well.
    place = start;
  }
};

/** Whether `to` is reached from `from`, going right, before anything that is alive at `time`. */
const isBetween = (view: ListView, time: number, from: number, to: number): boolean => {
  let place = view.next[from] as number;
  while (place !== to) {
    view.patience--;
    if ((view.birth[place] as number) < time && (view.death[place] as number) > time) return false;
    place = view.next[place] as number;
  }
  return true;
};

/**
 * The element went right. Places between that died before were right of it, and places that were made later
 * are left of it.
 */
const mergeForward = (view: ListView, time: number, origin: number, place: number): void => {
  let behind = place;
  for (let between = view.next[origin] as number; between !== place; ) {
    const next = view.next[between] as number;
    if ((view.death[between] as number) < time) {
      view.relocate(between, behind);
      behind = between;
    }
    between = next;
  }
};

/** The element went left: the other way round. */
const mergeBackward = (view: ListView, time: number, origin: number, place: number): void => {
  for (let between = view.next[place] as number; between !== origin; ) {
    const next = view.next[between] as number;
    if ((view.death[between] as number) < time) view.relocate(between, view.previous[place] as number);
    between = next;
  }
};
