mod attachments;
mod create_volume;
mod reads;
mod tags;
