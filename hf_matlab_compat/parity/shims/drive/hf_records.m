function result = hf_records(result, saved)
% Put the records of a checkpoint into a struct, as far as the trainer saved them.

names = {'llrecord', 'errrecord', 'lambdarecord'};
for k = 1:numel(names)
    if isfield(saved, names{k})
        result.(names{k}) = saved.(names{k});
    end
end
end
