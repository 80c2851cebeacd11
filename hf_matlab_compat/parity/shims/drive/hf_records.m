function result = hf_records(result, saved)
% Put the records of a checkpoint that the trainer saved into a struct.

names = {'llrecord', 'errrecord', 'lambdarecord'};
for k = 1:numel(names)
    if isfield(saved, names{k})
        result.(names{k}) = saved.(names{k});
    end
end
end
