mod attachments;
mod create_volume;
mod guests;
mod reads;
mod tags;
