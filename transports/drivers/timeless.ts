/** Events as they are told by whoever has no clock. */
export type Timeless<Event> = Event extends { readonly now: number } ? Omit<Event, 'now'> : never;
